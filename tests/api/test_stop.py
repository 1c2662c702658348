"""A stop of the process: what is under way completes, and clients learn that they should connect elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from tests.api.conftest import CREATE_WALLET

if TYPE_CHECKING:
    from tests.api.conftest import Api

WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"


async def test_sockets_complete_and_close_with_1001(api: Api) -> None:
    """An open subscription gets complete, then its socket closes with 1001."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="stop"))["wallet"]["id"]
    async with client.watch(WATCH, id=wallet) as stream:
        await stream.next()
        api.server.should_exit = True
        assert (await stream.message())["type"] == "complete"
        with pytest.raises(ConnectionClosed) as closed:
            await stream.message()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


async def test_event_streams_complete(api: Api) -> None:
    """An open event stream gets complete and ends; it is not cut."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="stop"))["wallet"]["id"]
    request = {"query": WATCH, "variables": {"id": wallet}}
    headers = {"accept": "text/event-stream"}
    async with asyncio.timeout(20), client.http.stream("POST", "/graphql", json=request, headers=headers) as answer:
        lines = []
        async for line in answer.aiter_lines():
            lines.append(line)
            api.server.should_exit = True
    assert [line for line in lines if line.startswith("event:")] == ["event: next", "event: complete"]
