"""The hub against a real Valkey that is stopped, killed and overrun."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from live.backend import GAP
from live.hub import INBOX_MESSAGES, Hub, Inbox, Overflow, SlowReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded_valkey import ValkeyServer


@asynccontextmanager
async def connected(server: ValkeyServer) -> AsyncIterator[Hub]:
    hub = Hub(server.url)
    await hub.connect()
    yield hub
    await hub.disconnect()


async def soon(inbox: Inbox, seconds: float = 10) -> bytes:
    async with asyncio.timeout(seconds):
        return await anext(inbox)


async def test_the_first_subscriber_of_a_process_hears_bytes_as_they_are(valkey: ValkeyServer) -> None:
    """The very first subscription receives, and bytes that are not UTF-8 pass through."""
    async with connected(valkey) as hub, hub.subscribe("a") as inbox:
        await hub.publish("a", b"\xff\x00")
        assert await soon(inbox) == b"\xff\x00"


async def test_many_tasks_may_be_the_first_subscriber_at_once(valkey: ValkeyServer) -> None:
    """Twenty tasks that subscribe to a new topic at the same time all hear the next message."""
    async with connected(valkey) as hub:
        ready = asyncio.Barrier(21)

        async def read() -> bytes:
            async with hub.subscribe("a") as inbox:
                await ready.wait()
                return await soon(inbox)

        tasks = [asyncio.create_task(read()) for _ in range(20)]
        await ready.wait()
        await hub.publish("a", b"x")
        assert await asyncio.gather(*tasks) == [b"x"] * 20


async def test_a_thousand_subscriptions_leave_nothing_behind(valkey: ValkeyServer) -> None:
    """After 1,000 subscriptions came and went no topic or task is left."""
    async with connected(valkey) as hub:
        before = len(asyncio.all_tasks())
        for number in range(1_000):
            async with hub.subscribe(f"topic:{number % 50}"):
                pass
        assert (hub._inboxes, hub._redis._wanted) == ({}, {})  # noqa: SLF001 - what must be empty
        assert len(asyncio.all_tasks()) == before


async def test_after_a_restart_of_redis_every_reader_is_told_and_hears_again(valkey: ValkeyServer) -> None:
    """A reader gets GAP when Redis is back, and then what is published."""
    async with connected(valkey) as hub, hub.subscribe("a") as first, hub.subscribe("b") as second:
        valkey.stop()
        await asyncio.sleep(1)
        valkey.start()
        assert [await soon(first), await soon(second)] == [GAP, GAP]
        await hub.publish_many([("a", b"1"), ("b", b"2")])
        assert [await soon(first), await soon(second)] == [b"1", b"2"]


async def test_a_message_survives_the_connection_that_a_restart_took(valkey: ValkeyServer) -> None:
    """The first publish after a restart, over a pooled connection that died with it, is sent again and arrives."""
    async with connected(valkey) as hub, hub.subscribe("a") as inbox:
        await hub.publish("a", b"before")
        assert await soon(inbox) == b"before"
        valkey.stop()
        valkey.start()
        assert await soon(inbox) == GAP
        await hub.publish("a", b"after")
        assert await soon(inbox) == b"after"


async def test_a_subscription_made_while_redis_is_down_is_told_when_it_is_back(valkey: ValkeyServer) -> None:
    """Subscribing without Redis works, and GAP comes when messages can come."""
    valkey.stop()
    async with connected(valkey) as hub, hub.subscribe("a") as inbox:
        valkey.start()
        assert await soon(inbox) == GAP


async def test_publishing_without_redis_does_not_raise(valkey: ValkeyServer) -> None:
    """A message that can't be published is counted, not thrown at the business act."""
    async with connected(valkey) as hub:
        valkey.stop()
        async with asyncio.timeout(10):
            await hub.publish("a", b"x")
            assert await hub.listened(["a", "b"]) == {"a", "b"}


async def test_a_redis_that_hangs_is_noticed(valkey: ValkeyServer) -> None:
    """A stopped (SIGSTOP) Redis does not hold a publisher longer than its limits."""
    async with connected(valkey) as hub:
        pid = valkey._child.pid if valkey._child else 0  # noqa: SLF001 - the process to stop
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(10):
                await hub.publish("a", b"x")
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_a_slow_reader_of_state_skips_to_the_newest(valkey: ValkeyServer) -> None:
    """A full inbox becomes one GAP: nothing is lost in silence, nothing grows without a limit."""
    inbox = Inbox(Overflow.LATEST_WINS)
    for number in range(INBOX_MESSAGES + 1):
        inbox.put(b"%d" % number)
    assert await soon(inbox) == GAP
    inbox.put(b"new")
    assert await soon(inbox) == b"new"


async def test_a_slow_reader_of_alerts_is_closed() -> None:
    """A reader of a topic whose messages are never dropped ends with SlowReader instead."""
    inbox = Inbox(Overflow.CLOSE)
    for number in range(INBOX_MESSAGES + 1):
        inbox.put(b"%d" % number)
    with pytest.raises(SlowReader):
        await soon(inbox)


async def test_listened_names_the_topics_that_have_readers(valkey: ValkeyServer) -> None:
    """Only topics with a subscriber in some process are named."""
    async with connected(valkey) as hub, connected(valkey) as other, other.subscribe("b"):
        assert await hub.listened(["a", "b"]) == {"b"}


async def test_disconnecting_ends_every_reader(valkey: ValkeyServer) -> None:
    """A reader's loop ends when the hub closes, with what was in its inbox."""
    async with connected(valkey) as hub, hub.subscribe("a") as inbox:
        hub.end_subscriptions()
        assert [message async for message in inbox] == []
