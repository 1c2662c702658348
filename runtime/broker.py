"""RabbitMQ as this process sees it: ten queues of job ids, each with a dead-letter queue, over one connection."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

import structlog
from aio_pika import DeliveryMode, Message, connect
from prometheus_client import Counter, Gauge

from domain.jobs import Queue
from services.together import MESSAGES_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

CONNECT_SECONDS: Final = 10.0
CONFIRM_SECONDS: Final = 10.0
"""A message that the broker has not confirmed by then counts as not sent."""
FIRST_RECONNECT_SECONDS: Final = 0.2
LONGEST_RECONNECT_SECONDS: Final = 2.0
PREFETCH_MESSAGES: Final = 8
PREFETCH_LOT_MESSAGES: Final = 2 * MESSAGES_AT_ONCE
"""Of the queue whose jobs are done together: a lot in work, and the next."""

DELIVERY_LIMIT_ATTEMPTS: Final = 20
"""A message that comes back this often, because workers end with it in hand, is dead-lettered."""
MAX_DEAD_LETTERS_MESSAGES: Final = 10_000

_log: Final = structlog.get_logger()
_up: Final = Gauge("coffer_queue_up", "Whether this process is connected to RabbitMQ.")
_messages: Final = Gauge("coffer_queue_messages", "Messages that wait on RabbitMQ.", ["queue"])
_dead: Final = Gauge("coffer_queue_dead_letters", "Messages in the dead-letter queues on RabbitMQ.", ["queue"])
_sent: Final = Counter("coffer_queue_sent_total", "Job ids sent to RabbitMQ, by its answer.", ["queue", "result"])


def dead_letters(queue: Queue) -> str:
    """The name of a queue's dead-letter queue."""
    return f"{queue}.dead"


class Broker:
    """A connection that is made again, with backoff, whenever it is lost; each time the queues are declared."""

    def __init__(
        self, url: str, on_message: Callable[[AbstractIncomingMessage], Awaitable[None]], on_up: Callable[[], None]
    ) -> None:
        self._url = url
        self._on_message = on_message
        self._on_up = on_up
        self._connection: AbstractConnection | None = None
        self._publisher: AbstractChannel | None = None
        self._consuming: list[tuple[AbstractQueue, str]] = []

    @property
    def is_up(self) -> bool:
        """Whether messages can be sent."""
        return self._publisher is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        attempt = 0
        while True:
            try:
                async with await connect(self._url, timeout=CONNECT_SECONDS) as connection:
                    await self._open(connection)
                    attempt = 0
                    await self._until_lost(connection)
            except Exception as fault:  # noqa: BLE001 - a worker outlives every outage
                _log.warning("queue.away", fault=repr(fault))
            finally:
                self._forget()
            wait = min(FIRST_RECONNECT_SECONDS * 2**attempt, LONGEST_RECONNECT_SECONDS)
            attempt = min(attempt + 1, 30)
            await asyncio.sleep(wait * (0.5 + random.random() / 2))  # noqa: S311 - jitter

    async def send(self, jobs: Sequence[tuple[int, Queue]]) -> list[int]:
        """Send ids to their queues; returns those that the broker did not confirm."""
        results = await asyncio.gather(*(self._send(job_id, queue) for job_id, queue in jobs))
        return [job_id for (job_id, _), confirmed in zip(jobs, results, strict=True) if not confirmed]

    async def stop_taking(self) -> None:
        """Get no new messages; those in hand can still be answered."""
        taking, self._consuming = self._consuming, []
        await asyncio.gather(*(queue.cancel(tag) for queue, tag in taking), return_exceptions=True)

    async def measure(self) -> None:
        """Bring the gauges of the queues' lengths up to date, when there is a connection."""
        if self._connection is None or not self.is_up:
            return
        async with await self._connection.channel() as channel:
            for queue in Queue:
                _messages.labels(queue).set(await _length(channel, queue))
                _dead.labels(queue).set(await _length(channel, dead_letters(queue)))

    async def _open(self, connection: AbstractConnection) -> None:
        publisher = await connection.channel(publisher_confirms=True, on_return_raises=True)
        consumer = await connection.channel(publisher_confirms=False)
        queues = {queue: await _declare(consumer, queue) for queue in Queue}
        self._connection, self._publisher = connection, publisher
        lots = queues.pop(Queue.WEBHOOK_PROCESSING)
        # A limit holds for each of the consumers that come after it.
        for limit, taken in ((PREFETCH_MESSAGES, [*queues.values()]), (PREFETCH_LOT_MESSAGES, [lots])):
            await consumer.set_qos(prefetch_count=limit)
            self._consuming += [(queue, await queue.consume(self._on_message)) for queue in taken]
        _up.set(1)
        _log.info("queue.up")
        self._on_up()

    async def _until_lost(self, connection: AbstractConnection) -> None:
        """Wait for the end of the connection, or of a channel: then all is opened anew."""
        channels = [self._publisher, *(queue.channel for queue, _ in self._consuming[:1])]
        ends = [asyncio.ensure_future(part.closed()) for part in (connection, *channels) if part is not None]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def _forget(self) -> None:
        self._connection = self._publisher = None
        self._consuming = []
        _up.set(0)

    async def _send(self, job_id: int, queue: Queue) -> bool:
        confirmed = False
        publisher = self._publisher
        if publisher is not None:
            message = Message(str(job_id).encode(), message_id=str(job_id), delivery_mode=DeliveryMode.PERSISTENT)
            try:
                await publisher.default_exchange.publish(message, queue, mandatory=True, timeout=CONFIRM_SECONDS)
                confirmed = True
            except Exception as fault:  # noqa: BLE001 - whatever it was, the id was not confirmed
                _log.warning("queue.not_sent", job=job_id, queue=queue, fault=repr(fault))
                await self._give_up(publisher)
        _sent.labels(queue, "confirmed" if confirmed else "refused").inc()
        return confirmed

    async def _give_up(self, publisher: AbstractChannel) -> None:
        """Open everything anew: a queue may be gone, or the broker deaf."""
        if self._publisher is publisher:
            self._publisher = None
            await asyncio.gather(publisher.close(), return_exceptions=True)


async def _declare(channel: AbstractChannel, queue: Queue) -> AbstractQueue:
    """A queue that lives on several nodes and hands what nobody can use to its dead-letter queue."""
    kept: dict[str, Any] = {"x-queue-type": "quorum", "x-max-length": MAX_DEAD_LETTERS_MESSAGES}
    await channel.declare_queue(dead_letters(queue), durable=True, arguments=kept)
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT_ATTEMPTS,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters(queue),
    }
    return await channel.declare_queue(queue, durable=True, arguments=arguments)


async def _length(channel: AbstractChannel, name: str) -> int:
    declared = await channel.declare_queue(name, passive=True)
    return declared.declaration_result.message_count or 0
