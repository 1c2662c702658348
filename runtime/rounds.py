"""What every worker shares: when to look at the outbox, how to end, and what is waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Gauge

from db import jobs as queries
from domain.jobs import Queue
from live import topics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from live.hub import Inbox
    from services.coffer import Coffer

POLL_SECONDS: Final = 1.0
MINIMUM_WAIT_SECONDS: Final = 0.01

_log: Final = structlog.get_logger()
_due: Final = Gauge("coffer_jobs_due", "Jobs that are due and not taken.", ["queue"])
_lag: Final = Gauge("coffer_jobs_lag_seconds", "Age of the oldest due job.", ["queue"])


class Rounds:
    """Repeats an act when a job is written, on wake(), and after as many seconds as the act says; None: only on wake().

    An act that fails is tried again after POLL_SECONDS.
    """

    def __init__(self, coffer: Coffer, act: Callable[[], Awaitable[float | None]]) -> None:
        self._coffer = coffer
        self._act = act
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Repeat until stop()."""
        async with self._coffer.hub.subscribe(topics.jobs()) as inbox:
            listener = asyncio.create_task(self._listen(inbox))
            while not self._stopping:
                try:
                    self._wake.clear()
                    await self._sleep(await self._act())
                except Exception:  # noqa: BLE001 - a worker outlives every outage
                    _log.exception("worker.round_failed")
                    await asyncio.sleep(POLL_SECONDS)
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def wake(self) -> None:
        """Do the next round now."""
        self._wake.set()

    def stop(self) -> None:
        """Begin no round any more."""
        self._stopping = True
        self._wake.set()

    async def _sleep(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _listen(self, inbox: Inbox) -> None:
        async for _ in inbox:
            self._wake.set()


def seconds_until(due_at: datetime | None, now: datetime) -> float:
    """How long to sleep when the next job is due at a time: at most POLL_SECONDS, since messages may be lost."""
    if due_at is None:
        return POLL_SECONDS
    return min(POLL_SECONDS, max((due_at - now).total_seconds(), MINIMUM_WAIT_SECONDS))


async def end_within(tasks: Collection[asyncio.Task[Any]], seconds: float) -> None:
    """Let jobs in work end; what takes too long is cut off, and its lease brings it back."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def measure_backlog(coffer: Coffer) -> None:
    """Bring the gauges of the outbox up to date."""
    async with coffer.database.reading() as session:
        rows = {row[0]: row for row in await queries.backlog(session, coffer.clock())}
    for queue in Queue:
        _, jobs, age = rows.get(queue, (queue, 0, 0))
        _due.labels(queue).set(jobs)
        _lag.labels(queue).set(float(age))
