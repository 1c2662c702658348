"""The worker: does the outbox's jobs inside this process. Any number of workers may run, in any number of processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from db import jobs as queries
from runtime.rounds import POLL_SECONDS, Rounds, end_within, measure_backlog, seconds_until
from services.jobs import run_job
from services.together import KIND, MESSAGES_AT_ONCE, settle_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.models.jobs import Job
    from services.coffer import Coffer
    from services.jobs import Handler

CONCURRENT_JOBS: Final = 8
STOP_SECONDS: Final = 10.0


class Worker:
    """Takes due jobs from the outbox and does them."""

    def __init__(self, coffer: Coffer, handlers: Mapping[str, Handler]) -> None:
        self._coffer = coffer
        self._handlers = handlers
        self._running: set[asyncio.Task[Any]] = set()
        self._settling: asyncio.Task[None] | None = None
        self._rounds = Rounds(coffer, self._round)

    async def run(self) -> None:
        """Work until stop()."""
        await self._rounds.run()
        settling = [self._settling] if self._settling else []
        await end_within({*self._running, *settling}, STOP_SECONDS)

    def stop(self) -> None:
        """Take no more jobs; run() returns when those in work have ended or STOP_SECONDS have passed."""
        self._rounds.stop()

    async def measure(self) -> None:
        """Bring the queues' gauges up to date."""
        await measure_backlog(self._coffer)

    async def _round(self) -> float | None:
        free = CONCURRENT_JOBS - len(self._running)
        if not free and (self._settling or KIND not in self._handlers):
            return None
        messages, jobs = await self._claim(free)
        for job in jobs:
            self._start(asyncio.create_task(run_job(self._coffer, self._handlers, job)))
        if messages:
            # It takes no place of the others, whose backlog must not keep paid purchases waiting.
            self._settling = asyncio.create_task(self._settle(messages))
        if free and len(jobs) == free:
            return 0
        if self._settling or not free:
            # What is due waits for the end of something, which wakes the rounds.
            return POLL_SECONDS
        async with self._coffer.database.reading() as session:
            return seconds_until(await queries.next_run_at(session), self._coffer.clock())

    async def _claim(self, free: int) -> tuple[Sequence[Job], Sequence[Job]]:
        """Due messages, which are done together, one lot at a time, and other due jobs."""
        now, apart = self._coffer.clock(), KIND if KIND in self._handlers else None
        messages: Sequence[Job] = ()
        async with self._coffer.database.transaction() as session:
            if apart and not self._settling:
                messages = await queries.claim(session, now, MESSAGES_AT_ONCE, kind=KIND)
            return messages, await queries.claim(session, now, free, apart=apart) if free else ()

    async def _settle(self, messages: Sequence[Job]) -> None:
        """Do messages together, and what can't be done so one by one."""
        places = asyncio.Semaphore(CONCURRENT_JOBS)

        async def alone(job: Job) -> None:
            async with places:
                await run_job(self._coffer, self._handlers, job)

        try:
            await asyncio.gather(*map(alone, await settle_together(self._coffer, messages)))
        finally:
            self._settling = None
            self._rounds.wake()

    def _start(self, task: asyncio.Task[Any]) -> None:
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._rounds.wake()
