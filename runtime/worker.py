"""The worker: does the outbox's jobs inside this process. Any number of workers may run, in any number of processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from db import jobs as queries
from runtime.rounds import Rounds, end_within, measure_backlog, seconds_until
from services.jobs import run_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.coffer import Coffer
    from services.jobs import Handler

CONCURRENT_JOBS: Final = 8
STOP_SECONDS: Final = 10.0


class Worker:
    """Takes due jobs from the outbox and does them."""

    def __init__(self, coffer: Coffer, handlers: Mapping[str, Handler]) -> None:
        self._coffer = coffer
        self._handlers = handlers
        self._running: set[asyncio.Task[str]] = set()
        self._rounds = Rounds(coffer, self._round)

    async def run(self) -> None:
        """Work until stop()."""
        await self._rounds.run()
        await end_within(self._running, STOP_SECONDS)

    def stop(self) -> None:
        """Take no more jobs; run() returns when those in work have ended or STOP_SECONDS have passed."""
        self._rounds.stop()

    async def measure(self) -> None:
        """Bring the queues' gauges up to date."""
        await measure_backlog(self._coffer)

    async def _round(self) -> float | None:
        free = CONCURRENT_JOBS - len(self._running)
        if not free:
            return None
        async with self._coffer.database.transaction() as session:
            jobs = await queries.claim(session, self._coffer.clock(), free)
        for job in jobs:
            self._start(asyncio.create_task(run_job(self._coffer, self._handlers, job)))
        if len(jobs) == free:
            return 0
        async with self._coffer.database.reading() as session:
            return seconds_until(await queries.next_run_at(session), self._coffer.clock())

    def _start(self, task: asyncio.Task[str]) -> None:
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[str]) -> None:
        self._running.discard(task)
        self._rounds.wake()
