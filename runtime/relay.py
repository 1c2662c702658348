"""The worker over RabbitMQ: hands ids of due jobs to the broker, and does the jobs whose ids come back.

The outbox stays the truth. A message that is lost, repeated, late or wrong changes nothing but the time of an attempt.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog
from aio_pika.exceptions import AMQPError
from prometheus_client import Counter

from db import handover
from db import jobs as queries
from domain.jobs import Queue
from runtime.broker import Broker
from runtime.rounds import POLL_SECONDS, Rounds, end_within, measure_backlog, seconds_until
from runtime.worker import CONCURRENT_JOBS, LOTS_AT_ONCE, STOP_SECONDS
from services.jobs import DEAD
from services.together import MESSAGES_AT_ONCE, run_together

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from datetime import datetime

    from aio_pika.abc import AbstractIncomingMessage

    from services.coffer import Coffer
    from services.jobs import Handler

FULL_WINDOW_SECONDS: Final = 0.05
"""How soon to look again at jobs that are due while their queue's window is full."""

ID_BYTES: Final = 19
UNREADABLE: Final = "unreadable"
STALE: Final = "stale"
AGAIN: Final = "again"

_log: Final = structlog.get_logger()
_taken: Final = Counter("coffer_queue_taken_total", "Messages from RabbitMQ, by what became of them.", ["result"])


class RelayWorker:
    """Any number may run, in any number of processes; each hands over and each takes."""

    def __init__(self, coffer: Coffer, handlers: Mapping[str, Handler], queue_url: str) -> None:
        self._coffer = coffer
        self._handlers = handlers
        self._rounds = Rounds(coffer, self._hand_over)
        self._broker = Broker(queue_url, self._take, self._rounds.wake)
        self._places = asyncio.Semaphore(CONCURRENT_JOBS)
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: list[AbstractIncomingMessage] = []
        self._lots = 0
        self._stopping = False

    async def run(self) -> None:
        """Work until stop()."""
        connection = asyncio.create_task(self._broker.run())
        try:
            await self._rounds.run()
            await self._broker.stop_taking()
            await end_within(self._running, STOP_SECONDS)
        finally:
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    def stop(self) -> None:
        """Take no more jobs; run() returns when those in work have ended or STOP_SECONDS have passed."""
        self._stopping = True
        self._rounds.stop()

    async def measure(self) -> None:
        """Bring the gauges of the outbox and of the broker's queues up to date."""
        await measure_backlog(self._coffer)
        await self._broker.measure()

    async def _hand_over(self) -> float:
        if not self._broker.is_up:
            return POLL_SECONDS
        async with self._coffer.database.transaction() as session:
            jobs = await handover.hand_over(session, self._coffer.clock())
        unsent = await self._broker.send(jobs)
        if unsent:
            async with self._coffer.database.transaction() as session:
                await handover.take_back(session, unsent)
            return POLL_SECONDS
        if jobs:
            return 0
        async with self._coffer.database.reading() as session:
            return self._pause(await handover.next_handover_at(session))

    def _pause(self, due_at: datetime | None) -> float:
        now = self._coffer.clock()
        return FULL_WINDOW_SECONDS if due_at is not None and due_at <= now else seconds_until(due_at, now)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        """Begin with a message, in a task of our own: the connection takes its tasks with it when it is lost."""
        if message.routing_key != Queue.WEBHOOK_PROCESSING:
            self._start(self._do_alone(message))
            return
        self._waiting.append(message)
        # One lot at a time, so that messages gather meanwhile; more while they are full.
        if not self._lots or (self._lots < LOTS_AT_ONCE and len(self._waiting) >= MESSAGES_AT_ONCE):
            self._lots += 1
            self._start(self._do_lots())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _do_alone(self, message: AbstractIncomingMessage) -> None:
        async with self._places:
            await self._do([message])

    async def _do_lots(self) -> None:
        # What the broker has sent is there before the first lot begins.
        await asyncio.sleep(0)
        try:
            while self._waiting:
                lot = self._waiting[:MESSAGES_AT_ONCE]
                del self._waiting[:MESSAGES_AT_ONCE]
                await self._do(lot)
        finally:
            self._lots -= 1

    async def _do(self, lot: Sequence[AbstractIncomingMessage]) -> None:
        """Do the jobs that messages name, then answer; a worker that stops leaves what it has not begun to others."""
        if self._stopping:
            return
        try:
            results = await self._attempt([_number(message.body) for message in lot])
        except Exception:  # noqa: BLE001 - the database is away: the messages come back
            _log.exception("queue.take_failed")
            await asyncio.sleep(POLL_SECONDS)
            results = [AGAIN] * len(lot)
        for message, result in zip(lot, results, strict=True):
            _taken.labels(result).inc()
            # After a lost connection somebody else gets the message, and finds the handover over.
            with suppress(AMQPError, RuntimeError):
                await self._answer(message, result)

    async def _answer(self, message: AbstractIncomingMessage, result: str) -> None:
        if result == AGAIN:
            await message.nack(requeue=True)
        elif result in {DEAD, UNREADABLE}:
            await message.reject(requeue=False)
        else:
            await message.ack()

    async def _attempt(self, numbers: Sequence[int | None]) -> list[str]:
        """How the jobs of these numbers ended."""
        named = {number for number in numbers if number is not None}
        async with self._coffer.database.transaction() as session:
            jobs = await queries.claim_handed(session, list(named), self._coffer.clock()) if named else ()
        ends = await run_together(self._coffer, self._handlers, jobs)
        return [UNREADABLE if number is None else ends.get(number, STALE) for number in numbers]


def _number(body: bytes) -> int | None:
    """The id that a message carries, or None when it is none."""
    return int(body) if body.isdigit() and len(body) < ID_BYTES else None
