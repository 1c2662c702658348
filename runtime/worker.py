"""The worker: does the outbox's jobs inside this process. Any number of workers may run, in any number of processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Gauge

from db import jobs as queries
from domain.jobs import Queue
from live import topics
from services.jobs import run_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from live.hub import Inbox
    from services.coffer import Coffer
    from services.jobs import Handler

CONCURRENT_JOBS: Final = 8
POLL_SECONDS: Final = 1.0
MINIMUM_WAIT_SECONDS: Final = 0.01
STOP_SECONDS: Final = 10.0

_log: Final = structlog.get_logger()
_due: Final = Gauge("coffer_jobs_due", "Jobs that are due and not taken.", ["queue"])
_lag: Final = Gauge("coffer_jobs_lag_seconds", "Age of the oldest due job.", ["queue"])


class Worker:
    """Takes due jobs and does them; wakes when a job is written, when the next is due, and every POLL_SECONDS."""

    def __init__(self, coffer: Coffer, handlers: Mapping[str, Handler]) -> None:
        self._coffer = coffer
        self._handlers = handlers
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Work until stop()."""
        async with self._coffer.hub.subscribe(topics.jobs()) as inbox:
            listener = asyncio.create_task(self._listen(inbox))
            while not self._stopping:
                try:
                    await self._round()
                except Exception:  # noqa: BLE001 - a worker outlives every outage
                    _log.exception("worker.round_failed")
                    await asyncio.sleep(POLL_SECONDS)
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        await self._drain()

    def stop(self) -> None:
        """Take no more jobs; run() returns when those in work have ended or STOP_SECONDS have passed."""
        self._stopping = True
        self._wake.set()

    async def measure(self) -> None:
        """Bring the queues' gauges up to date."""
        async with self._coffer.database.reading() as session:
            rows = {row[0]: row for row in await queries.backlog(session, self._coffer.clock())}
        for queue in Queue:
            _, jobs, age = rows.get(queue, (queue, 0, 0))
            _due.labels(queue).set(jobs)
            _lag.labels(queue).set(float(age))

    async def _round(self) -> None:
        self._wake.clear()
        free = CONCURRENT_JOBS - len(self._running)
        if not free:
            await self._wake.wait()
            return
        async with self._coffer.database.transaction() as session:
            jobs = await queries.claim(session, self._coffer.clock(), free)
        for job in jobs:
            self._start(asyncio.create_task(run_job(self._coffer, self._handlers, job)))
        if len(jobs) < free:
            await self._sleep()

    def _start(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()

    async def _sleep(self) -> None:
        async with self._coffer.database.reading() as session:
            next_run_at = await queries.next_run_at(session)
        wait = POLL_SECONDS
        if next_run_at is not None:
            due_in = (next_run_at - self._coffer.clock()).total_seconds()
            wait = min(wait, max(due_in, MINIMUM_WAIT_SECONDS))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _drain(self) -> None:
        """Let jobs in work end; what takes too long is cut off, and its lease brings it back."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _listen(self, inbox: Inbox) -> None:
        async for _ in inbox:
            self._wake.set()
