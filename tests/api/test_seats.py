"""How many sockets and event streams a project may have open in one process."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from runtime.settings import Limits
from tests.api.conftest import CREATE_WALLET
from tests.long import examples

if TYPE_CHECKING:
    from runtime.settings import Settings
    from tests.api.client import Client
    from tests.api.conftest import Api

MOST = 2
WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two live connections for each project."""
    return replace(settings, limits=Limits(max_live_connections_per_project=MOST))


async def refused_code(client: Client) -> int | None:
    """The code that closes a new socket after connection_init."""
    url = client.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {client.key}"}}))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        return socket.close_code


async def all_left() -> None:
    """Wait until the server has noticed that every live connection is closed."""
    async with asyncio.timeout(10):
        while REGISTRY.get_sample_value("coffer_live_connections"):  # noqa: ASYNC110 - a gauge has no event
            await asyncio.sleep(0.01)


async def test_a_socket_too_many_is_closed_with_1013(api: Api) -> None:
    """The third socket of a project is told to try again later; another project's is not; a closed one makes room."""
    client, stranger = await api.client(), await api.client(project="another")
    async with AsyncExitStack() as open_sockets:
        for _ in range(MOST):
            await open_sockets.enter_async_context(client.watch("{ __typename }"))
        assert await refused_code(client) == 1013
        async with stranger.watch("{ __typename }") as stream:
            assert (await stream.message())["type"] == "next"
    await all_left()
    async with client.watch("{ __typename }") as stream:
        assert (await stream.message())["type"] == "next"


async def test_an_event_stream_too_many_is_429(api: Api) -> None:
    """Event streams take seats as sockets do, and give them back when the client goes."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="seats"))["wallet"]["id"]
    request = {"query": WATCH, "variables": {"id": wallet}}
    headers = {"accept": "text/event-stream"}
    async with AsyncExitStack() as streams:
        for _ in range(MOST):
            open_stream = client.http.stream("POST", "/graphql", json=request, headers=headers)
            assert (await streams.enter_async_context(open_stream)).status_code == 200
        answer = await client.http.post("/graphql", json=request, headers=headers)
        error = answer.json()["errors"][0]
        assert (answer.status_code, error["extensions"]["code"]) == (429, "TOO_MANY_CONNECTIONS")
    await all_left()
    assert (await client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code == 200


CYCLES = examples(50, 500)


async def test_coming_and_going_leaves_nothing(api: Api) -> None:
    """After many sockets and event streams that just went away, no task, seat or subscription is left."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="leaks"))["wallet"]["id"]
    request = {"query": WATCH, "variables": {"id": wallet}}

    async def come_and_go() -> None:
        async with client.watch(WATCH, id=wallet) as stream:
            await stream.next()
        headers = {"accept": "text/event-stream"}
        async with client.http.stream("POST", "/graphql", json=request, headers=headers) as answer:
            await anext(answer.aiter_lines())
        await all_left()

    await come_and_go()
    before = here()
    for _ in range(CYCLES):
        await come_and_go()
    async with asyncio.timeout(10):
        while any(now > then for now, then in zip(here(), before, strict=True)):  # noqa: ASYNC110 - they end by and by
            await asyncio.sleep(0.01)


def here() -> tuple[float, float]:
    """Tasks and subscriptions of this process."""
    return len(asyncio.all_tasks()), REGISTRY.get_sample_value("coffer_live_subscriptions") or 0
