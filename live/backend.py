"""A Redis backend for broadcaster that survives what its own does not.

broadcaster 0.3.1's backend leaves the first subscriber deaf under redis-py 8 and dies, silently, with the first restart
of Redis. This one reads from the start, waits until Redis has acknowledged a subscription, reconnects for ever, and
puts GAP on every topic whose messages may have been missed.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

import structlog
from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend  # the only place where 0.3.1 keeps it
from prometheus_client import Counter
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio.client import PubSub

GAP: Final = b"\x00gap"
"""Delivered in place of messages that may have been missed: read the state again."""

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
ACKNOWLEDGE_SECONDS: Final = 2.0
HEALTH_SECONDS: Final = 5.0
"""Silence after which the connection is probed; twice that and it counts as lost."""

FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 0.5
SUBSCRIBE_TOPICS: Final = 500
"""Topics named in one SUBSCRIBE command."""

QUEUE_MESSAGES: Final = 10_000
PUBLISH_CONNECTIONS: Final = 8
_HEARTBEAT: Final = "heartbeat"
_FAULTS: Final = (RedisError, OSError, TimeoutError)

_log: Final = structlog.get_logger()
_reconnects: Final = Counter("coffer_live_reconnects_total", "Times the subscriber's Redis connection was lost.")
_unpublished: Final = Counter("coffer_live_unpublished_total", "Messages that could not be published, even again.")


class RedisBackend(BroadcastBackend):
    """One subscriber connection and a small pool for publishing."""

    def __init__(self, url: str) -> None:
        once = Retry(NoBackoff(), 0)
        self._client = redis.Redis.from_url(
            url,
            max_connections=PUBLISH_CONNECTIONS,
            retry=once,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
        )
        self._listening = redis.Redis.from_url(
            url, retry=once, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS
        )
        self._pubsub: PubSub | None = None
        self._wanted: dict[str, asyncio.Future[None] | None] = {}
        """Topics with readers; the future of one that Redis has not acknowledged yet."""
        self._unsure: set[str] = set()
        self._events: asyncio.Queue[Event] = asyncio.Queue(QUEUE_MESSAGES)
        self._task: asyncio.Task[None] | None = None
        self._publishes = True

    async def connect(self) -> None:
        """Start reading."""
        self._task = asyncio.create_task(self._run())

    async def disconnect(self) -> None:
        """Stop reading and close every connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._drop_pubsub()
        await self._listening.aclose()
        await self._client.aclose()

    async def subscribe(self, group: str) -> None:
        """Subscribe, and return when Redis has acknowledged it; if it can't in time, a GAP follows when it has."""
        acknowledged = self._wanted[group] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                if self._pubsub is not None:
                    await self._pubsub.subscribe(group)
                await acknowledged
        except _FAULTS:
            self._unsure.add(group)

    async def unsubscribe(self, group: str) -> None:
        """Forget a topic."""
        self._wanted.pop(group, None)
        self._unsure.discard(group)
        if self._pubsub is not None:
            try:
                await self._pubsub.unsubscribe(group)
            except _FAULTS as fault:
                _log.info("live.unsubscribe_failed", fault=repr(fault))

    async def next_published(self) -> Event:
        """The next message or GAP of any topic."""
        return await self._events.get()

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish one message."""
        await self.publish_many([(channel, message)])

    async def publish_many(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish in one round trip, and once more after a fault: pooled connections die with a restart of Redis."""
        for attempt in (1, 2):
            try:
                async with self._client.pipeline(transaction=False) as pipeline:
                    for topic, message in messages:
                        pipeline.publish(topic, message)
                    await pipeline.execute()
            except _FAULTS as fault:
                if attempt == 2:  # noqa: PLR2004 - the second of two
                    _unpublished.inc(len(messages))
                    self._say_unpublished(fault)
            else:
                self._publishes = True
                return

    def _say_unpublished(self, fault: Exception) -> None:
        """Log the first of an outage's failures: a busy process has hundreds a second."""
        if self._publishes:
            _log.warning("live.publish_failed", fault=repr(fault))
        self._publishes = False

    async def listened(self, topics: Sequence[str]) -> set[str]:
        """Which of the topics anybody listens to, in any process."""
        try:
            counts: Any = await self._client.pubsub_numsub(*topics)
        except _FAULTS:
            return set(topics)
        return {topic.decode() for topic, count in counts if count}

    async def ping(self) -> None:
        """Raise unless Redis answers."""
        await self._client.ping()

    async def _run(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                self._pubsub = await self._resubscribe()
                delay = FIRST_RETRY_SECONDS
                await self._read(self._pubsub)
            except _FAULTS as fault:
                _reconnects.inc()
                if delay == FIRST_RETRY_SECONDS:
                    # An outage is said once; the metric counts every try.
                    _log.warning("live.connection_lost", fault=repr(fault))
                await self._drop_pubsub()
                self._unsure.update(self._wanted)
                await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - jitter guards nothing
                delay = min(delay * 2, LONGEST_RETRY_SECONDS)

    async def _resubscribe(self) -> PubSub:
        """A fresh connection with every wanted topic; the heartbeat topic keeps it readable when there is none."""
        pubsub = self._listening.pubsub()
        await pubsub.subscribe(_HEARTBEAT)
        done: set[str] = set()
        # Again until nothing is new: a topic may be wanted while the others are being named.
        while missing := list(self._wanted.keys() - done)[:SUBSCRIBE_TOPICS]:
            await pubsub.subscribe(*missing)
            done.update(missing)
        return pubsub

    async def _read(self, pubsub: PubSub) -> None:
        probed = False
        while True:
            message = await pubsub.get_message(timeout=HEALTH_SECONDS)
            if message is not None:
                probed = False
                await self._take(message)
            elif probed:
                raise TimeoutError("Redis does not answer")
            else:
                probed = True
                await pubsub.ping()

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            await self._events.put(Event(message["channel"].decode(), message["data"]))
        elif message["type"] == "subscribe":
            topic = message["channel"].decode()
            acknowledged = self._wanted.get(topic)
            if acknowledged is not None:
                self._wanted[topic] = None
                if not acknowledged.done():
                    acknowledged.set_result(None)
            if topic in self._unsure:
                self._unsure.discard(topic)
                await self._events.put(Event(topic, GAP))  # type: ignore[arg-type]  # bytes pass through

    async def _drop_pubsub(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            try:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            except _FAULTS as fault:
                _log.info("live.close_failed", fault=repr(fault))
