"""Streams that sockets share: executed once for equal callers, and for nobody else."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from prometheus_client import REGISTRY

from domain.permissions import Role
from live import topics
from live.hub import SlowReader
from runtime.frames import text_frame
from runtime.shared import MEMBER_MESSAGES, Group, Member
from tests.api.conftest import CREATE_WALLET, GRANT

if TYPE_CHECKING:
    from runtime.settings import Settings
    from tests.api.client import Client
    from tests.api.conftest import Api

LOW = "subscription { lowBalance { availableCredits } }"
SPEND = "mutation($input: ConsumeInput!) { consume(input: $input) { errors { code } } }"
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { errors { code } } }"
SECRET = "x" * 32


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that takes tokens too."""
    return replace(settings, jwt_secret=SECRET)


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(f"coffer_live_shared_{name}") or 0.0


async def until(name: str, number: int) -> None:
    """Wait for a gauge."""
    async with asyncio.timeout(10):
        while gauge(name) != number:  # noqa: ASYNC110 - a gauge has no event
            await asyncio.sleep(0.01)


async def listening(api: Api, *projects: int) -> None:
    """Wait until the projects' alerts are subscribed to."""
    names = [topics.alerts(project) for project in projects]
    async with asyncio.timeout(10):
        while await api.coffer.hub.listened(names) != set(names):  # noqa: ASYNC110 - Redis has no event for it
            await asyncio.sleep(0.01)


async def dip(client: Client) -> None:
    """Bring a new wallet below its threshold of 200, to 190."""
    wallet = (await client.run(CREATE_WALLET, owner=str(time.time_ns())))["wallet"]["id"]
    await client.run(GRANT, input={"walletId": wallet, "credits": 210, "reason": "r", "idempotencyKey": "start"})
    spend = {"walletId": wallet, "feature": "API_EXPORT_DATA", "idempotencyKey": "k"}
    assert (await client.run(SPEND, input=spend))["errors"] == []


def token(seconds: float) -> str:
    claims: dict[str, Any] = {"project": "test", "role": "viewer", "exp": time.time() + seconds}
    return jwt.encode(claims, SECRET, "HS256")


async def test_equal_callers_share_one_execution(api: Api) -> None:
    """Twenty sockets of one key are one execution, and each hears each alert once."""
    client = await api.client()
    async with AsyncExitStack() as sockets:
        streams = [await sockets.enter_async_context(client.watch(LOW)) for _ in range(20)]
        await until("subscriptions", 20)
        assert gauge("executions") == 1
        await listening(api, 1)
        await dip(client)
        assert [(await stream.next())["availableCredits"] for stream in streams] == [190] * 20
        assert await streams[0].message(seconds=0.3) == {}
    await until("executions", 0)


async def test_tenants_roles_keys_and_documents_do_not_share(api: Api) -> None:
    """Whoever differs in project, role, key or text has an execution of its own."""
    owner, viewer, other = await api.client(), await api.client(Role.VIEWER), await api.client(project="other")
    async with AsyncExitStack() as sockets:
        for client, text in ((owner, LOW), (owner, LOW + " "), (viewer, LOW), (await api.client(), LOW), (other, LOW)):
            await sockets.enter_async_context(client.watch(text))
        await until("executions", 5)
    await until("executions", 0)


async def test_another_tenant_hears_nothing(api: Api) -> None:
    """An alert of one project does not reach another that watches with the same document."""
    client, other = await api.client(), await api.client(project="other")
    async with client.watch(LOW) as ours, other.watch(LOW) as theirs:
        await until("executions", 2)
        await listening(api, 1, 2)
        await dip(client)
        assert (await ours.next())["availableCredits"] == 190
        assert await theirs.message(seconds=0.3) == {}


async def test_one_that_leaves_does_not_end_the_others(api: Api) -> None:
    """The execution goes on until its last reader is gone."""
    client = await api.client()
    async with client.watch(LOW) as stays:
        async with client.watch(LOW):
            await until("subscriptions", 2)
        await until("subscriptions", 1)
        await listening(api, 1)
        await dip(client)
        assert (await stays.next())["availableCredits"] == 190


async def test_a_revoked_key_ends_every_reader(api: Api) -> None:
    """All sockets of a revoked key hear UNAUTHENTICATED and complete; another key's go on."""
    owner, doomed = await api.client(), await api.client(Role.VIEWER)
    keys = (await owner.run("{ apiKeys { edges { node { id role } } } }"))["edges"]
    key = next(edge["node"]["id"] for edge in keys if edge["node"]["role"] == "VIEWER")
    async with doomed.watch(LOW) as first, doomed.watch(LOW) as second, owner.watch(LOW) as stays:
        await until("subscriptions", 3)
        await listening(api, 1)
        await owner.run(REVOKE, id=key)
        for stream in (first, second):
            assert (await stream.message())["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert (await stream.message())["type"] == "complete"
        await dip(owner)
        assert (await stays.next())["availableCredits"] == 190


async def test_a_token_ends_its_own_reader(api: Api) -> None:
    """Tokens of one project and role share, and each stream ends with its own token."""
    await api.client()
    short, long = api.with_key(token(2)), api.with_key(token(60))
    async with short.watch(LOW) as ends, long.watch(LOW) as stays:
        await until("subscriptions", 2)
        assert gauge("executions") == 1
        assert (await ends.message())["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await ends.message())["type"] == "complete"
        assert await stays.message(seconds=0.3) == {}


async def test_a_stop_completes_every_reader(api: Api) -> None:
    """When the process stops, the readers of a shared stream get complete."""
    client = await api.client()
    async with client.watch(LOW) as first, client.watch(LOW) as second:
        await until("subscriptions", 2)
        await listening(api, 1)
        api.server.should_exit = True
        assert [(await stream.message())["type"] for stream in (first, second)] == ["complete"] * 2


async def test_a_slow_reader_ends_and_the_others_hear_all() -> None:
    """One event more than MEMBER_MESSAGES ends the reader that took none; who reads along misses nothing."""
    written: list[bytes] = []

    def write(frame: bytes) -> bool:
        written.append(frame)
        return True

    group, slow = Group(), Member("1", lambda _frame: False)
    group.members |= {slow, Member("1", write)}
    for number in range(MEMBER_MESSAGES + 1):
        await group.tell(b"%d" % number)
    assert written == [text_frame(message(number)) for number in range(MEMBER_MESSAGES + 1)]
    with pytest.raises(SlowReader):
        await anext(slow.messages())


async def test_a_reader_that_fell_behind_hears_in_order() -> None:
    """What could not be written at once is read first; only when nothing waits is an event written at once again."""
    heard: list[bytes] = []
    ready = False

    def write(frame: bytes) -> bool:
        if ready:
            heard.append(frame)
        return ready

    group, member = Group(), Member("1", write)
    group.members.add(member)
    await group.tell(b"0")
    ready = True
    await group.tell(b"1")
    messages = member.messages()
    heard += [text_frame(await anext(messages)) for _ in range(2)]
    waiting = asyncio.ensure_future(anext(messages))
    await asyncio.sleep(0)
    await group.tell(b"2")
    waiting.cancel()
    assert heard == [text_frame(message(number)) for number in range(3)]


def message(number: int) -> bytes:
    return b'{"id":"1","type":"next","payload":%d}' % number
