"""The worker: does the outbox's jobs inside this process. Any number of workers may run, in any number of processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from db import jobs as queries
from domain.jobs import PAYMENT_MESSAGE
from runtime.rounds import POLL_SECONDS, Rounds, end_within, measure_backlog, seconds_until
from services.jobs import run_job
from services.together import MESSAGES_AT_ONCE, run_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.models.jobs import Job
    from services.coffer import Coffer
    from services.jobs import Handler

CONCURRENT_JOBS: Final = 8
LOTS_AT_ONCE: Final = 2
"""Lots of messages in work while there is a backlog: the database works on one, this process on the other."""

STOP_SECONDS: Final = 10.0


class Worker:
    """Takes due jobs from the outbox and does them."""

    def __init__(self, coffer: Coffer, handlers: Mapping[str, Handler]) -> None:
        self._coffer = coffer
        self._handlers = handlers
        self._running: set[asyncio.Task[Any]] = set()
        self._lots: set[asyncio.Task[None]] = set()
        self._backlog = False
        self._rounds = Rounds(coffer, self._round)

    async def run(self) -> None:
        """Work until stop()."""
        await self._rounds.run()
        await end_within({*self._running, *self._lots}, STOP_SECONDS)

    def stop(self) -> None:
        """Take no more jobs; run() returns when those in work have ended or STOP_SECONDS have passed."""
        self._rounds.stop()

    async def measure(self) -> None:
        """Bring the queues' gauges up to date."""
        await measure_backlog(self._coffer)

    async def _round(self) -> float | None:
        free, settles = CONCURRENT_JOBS - len(self._running), self._may_settle()
        if not (free or settles):
            return None
        messages, jobs = await self._claim(free, settles=settles)
        for job in jobs:
            self._start(asyncio.create_task(run_job(self._coffer, self._handlers, job)))
        if messages:
            # They take no place of the others, whose backlog must not keep paid purchases waiting.
            self._backlog = len(messages) == MESSAGES_AT_ONCE
            self._lots.add(asyncio.create_task(self._settle(messages)))
        if (free and len(jobs) == free) or (messages and self._may_settle()):
            return 0
        if self._lots or not free:
            # What is due waits for the end of something, which wakes the rounds.
            return POLL_SECONDS
        async with self._coffer.database.reading() as session:
            return seconds_until(await queries.next_run_at(session), self._coffer.clock())

    def _may_settle(self) -> bool:
        """One lot at a time, so that messages gather meanwhile; more while lots are full."""
        room = LOTS_AT_ONCE if self._backlog else 1
        return PAYMENT_MESSAGE in self._handlers and len(self._lots) < room

    async def _claim(self, free: int, *, settles: bool) -> tuple[Sequence[Job], Sequence[Job]]:
        """Due messages, which are done together, and other due jobs."""
        now = self._coffer.clock()
        async with self._coffer.database.transaction() as session:
            messages = await queries.claim_messages(session, now, MESSAGES_AT_ONCE) if settles else ()
            return messages, await queries.claim_others(session, now, free) if free else ()

    async def _settle(self, messages: Sequence[Job]) -> None:
        try:
            await run_together(self._coffer, self._handlers, messages)
        finally:
            if lot := asyncio.current_task():
                self._lots.discard(lot)
            self._rounds.wake()

    def _start(self, task: asyncio.Task[Any]) -> None:
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        self._rounds.wake()
