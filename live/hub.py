"""The hub: many readers of live topics in one process, over one Redis connection."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from broadcaster import Broadcast
from prometheus_client import Counter, Gauge

from live.backend import GAP, RedisBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

INBOX_MESSAGES: Final = 64
LOCKS: Final = 256

_open: Final = Gauge("coffer_live_subscriptions", "Open subscriptions of this process.")
_conflated: Final = Counter("coffer_live_conflated_total", "Times a slow reader was told to read the state again.")
_closed_slow: Final = Counter("coffer_live_closed_slow_total", "Subscriptions that ended because they were too slow.")


class Overflow(Enum):
    """What happens to a reader with a full inbox: it skips to the newest state, or its subscription ends."""

    LATEST_WINS = "latest wins"
    CLOSE = "close"


class SlowReader(Exception):
    """The reader fell a whole inbox behind on a topic whose messages are never dropped."""


class Inbox:
    """The bounded queue of one subscription, for one reader; iterate to read it. GAP means: read the state again.

    Thousands of them are empty at any time, so each is as small as can be.
    """

    __slots__ = ("_ended", "_messages", "_most", "_overflow", "_waiting")

    def __init__(self, overflow: Overflow, most: int = INBOX_MESSAGES) -> None:
        self._overflow = overflow
        self._most = most
        self._messages: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._ended: Exception | None = None

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    def put(self, message: bytes) -> None:
        """Take a message; never waits."""
        if len(self._messages) >= self._most:
            self._messages.clear()
            if self._overflow is Overflow.CLOSE:
                _closed_slow.inc()
                self.end(SlowReader())
                return
            _conflated.inc()
            message = GAP
        self._messages.append(message)
        self._wake()

    def end(self, reason: Exception) -> None:
        """Let the reader have what is there, then end it."""
        self._ended = self._ended or reason
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> Inbox:
        """Read messages until the hub closes."""
        return self

    async def __anext__(self) -> bytes:
        """The next message; SlowReader when this reader was too slow."""
        while not self._messages:
            if self._ended is not None:
                raise self._ended
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._messages.pop(0)


class Subscription:
    """One reader's place at some topics, for the length of a block."""

    __slots__ = ("_hub", "_inbox", "_topics")

    def __init__(self, hub: Hub, topics: Sequence[str], inbox: Inbox) -> None:
        self._hub, self._topics, self._inbox = hub, topics, inbox

    async def __aenter__(self) -> Inbox:
        """Begin to read."""
        _open.inc()
        try:
            for topic in self._topics:
                await self._hub.enter(topic, self._inbox)
        except BaseException:
            await self.__aexit__()
            raise
        return self._inbox

    async def __aexit__(self, *_fault: object) -> None:
        """Read no more."""
        _open.dec()
        await asyncio.shield(self._leave())

    async def _leave(self) -> None:
        for topic in self._topics:
            await self._hub.leave(topic, self._inbox)


class Hub(Broadcast):
    """broadcaster's interface with bounded inboxes, safe concurrent subscribing, and a clean end."""

    def __init__(self, redis_url: str) -> None:
        self.redis_url = redis_url
        self._redis = RedisBackend(redis_url)
        super().__init__(backend=self._redis)
        self._inboxes: dict[str, set[Inbox]] = {}
        # A fixed number, by the topic's hash: a lock for each topic could be thrown away while somebody waits for it.
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]
        self._closed = False

    async def disconnect(self) -> None:
        """End every subscription, then close the connections."""
        self.end_subscriptions()
        await asyncio.sleep(0)
        await super().disconnect()
        await asyncio.gather(self._listener_task, return_exceptions=True)

    def end_subscriptions(self) -> None:
        """End every subscription, and those still to come: the process is stopping."""
        self._closed = True
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                inbox.end(StopAsyncIteration())

    async def publish(self, channel: str, message: Any) -> None:  # noqa: ANN401 - broadcaster's signature
        """Publish bytes to a topic; a fault of Redis is logged and counted, never raised."""
        await self._redis.publish(channel, message)

    async def publish_many(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish to many topics in one round trip."""
        await self._redis.publish_many(messages)

    async def listened(self, topics: Sequence[str]) -> set[str]:
        """Which topics have a subscriber in any process; all of them when Redis can't say."""
        return await self._redis.listened(topics)

    async def ping(self) -> None:
        """Raise unless Redis answers."""
        await self._redis.ping()

    def subscribe(  # type: ignore[override]  # an inbox is what broadcaster's Subscriber is, with a limit
        self, channel: str, overflow: Overflow = Overflow.LATEST_WINS, also: Sequence[str] = ()
    ) -> Subscription:
        """Read topics inside the block. What is published after the block has begun arrives, or GAP does."""
        inbox = Inbox(overflow)
        if self._closed:
            inbox.end(StopAsyncIteration())
        return Subscription(self, (channel, *also), inbox)

    async def enter(self, channel: str, inbox: Inbox) -> None:
        """Add a reader; the lock makes a second one wait until the first has really subscribed."""
        async with self._lock(channel):
            inboxes = self._inboxes.setdefault(channel, set())
            inboxes.add(inbox)
            if len(inboxes) == 1:
                await self._redis.subscribe(channel)

    async def leave(self, channel: str, inbox: Inbox) -> None:
        """Take a reader away; the last one ends the subscription."""
        async with self._lock(channel):
            inboxes = self._inboxes.get(channel, set())
            inboxes.discard(inbox)
            if not inboxes and self._inboxes.pop(channel, None) is not None:
                await self._redis.unsubscribe(channel)

    def _lock(self, channel: str) -> asyncio.Lock:
        return self._locks[hash(channel) % LOCKS]

    async def _listener(self) -> None:
        while True:
            event = await self._redis.next_published()
            for inbox in self._inboxes.get(event.channel, ()):
                inbox.put(event.message)  # type: ignore[arg-type]  # bytes pass through
