"""GraphQL over server-sent events, distinct connections mode: for clients behind proxies that break sockets."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import CREATE_WALLET, GRANT

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import AsyncIterator

    from tests.api.client import Client
    from tests.api.conftest import Api

WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence wallet { availableCredits } } }"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


class Events:
    """What curl prints of one stream."""

    def __init__(self, lines: StreamReader) -> None:
        self._lines = lines

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        status = int((await self._line()).split()[1])
        headers = {}
        while line := await self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    async def next(self) -> tuple[str, Any]:
        """The name and the data of the next event."""
        event = (await self._line()).removeprefix("event: ")
        data = (await self._line()).removeprefix("data: ").removeprefix("data:")
        assert await self._line() == ""
        return event, json.loads(data) if data else None

    async def end(self) -> bool:
        """Whether nothing follows."""
        async with asyncio.timeout(10):
            return await self._lines.read() == b""

    async def _line(self) -> str:
        async with asyncio.timeout(10):
            return (await self._lines.readline()).decode().strip()


@asynccontextmanager
async def curl(client: Client, query: str, *more: str, **variables: Any) -> AsyncIterator[Events]:  # noqa: ANN401 - JSON
    """An open stream of an operation, read by curl."""
    sent = json.dumps({"query": query, "variables": variables})
    headers = ["-H", "accept: text/event-stream", "-H", "content-type: application/json"]
    if client.key:
        headers += ["-H", f"authorization: Bearer {client.key}"]
    command = ["curl", "-sNi", "--noproxy", "*", *headers, "-d", sent, *more, f"{client.url}/graphql"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        yield Events(process.stdout)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_stream_is_not_cached_or_buffered(api: Api) -> None:
    """The answer is 200, text/event-stream, with the headers that keep proxies from holding it back."""
    async with curl(await api.client(), "{ __typename }") as events:
        status, headers = await events.head()
        assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache, no-transform", "no")


async def test_a_query_is_one_next_and_complete(api: Api) -> None:
    """A single result is one next event, then complete, then the end."""
    async with curl(await api.client(), "{ __typename }") as events:
        await events.head()
        name, result = await events.next()
        assert (name, result["data"]) == ("next", {"__typename": "Query"})
        assert (await events.next())[0] == "complete"
        assert await events.end()


async def test_a_subscription_shows_each_change(api: Api) -> None:
    """The wallet now, then the grant that follows."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="sse"))["wallet"]["id"]
    async with curl(client, WATCH, id=wallet) as events:
        await events.head()
        assert (await events.next())[1]["data"]["walletUpdated"]["sequence"] == 0
        grant = {"walletId": wallet, "credits": 7, "reason": "r", "idempotencyKey": "k"}
        await client.run(GRANT, input=grant)
        update = (await events.next())[1]["data"]["walletUpdated"]
        assert update == {"sequence": 1, "wallet": {"availableCredits": 7}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "INVALID_DOCUMENT"),
        ("{ nope }", "INVALID_DOCUMENT"),
        ("query($a: Int!) { __typename }", "INVALID_DOCUMENT"),
        ('subscription { walletUpdated(walletId: "x") { sequence } }', "UNAUTHENTICATED"),
    ],
)
async def test_an_error_is_an_event(api: Api, query: str, code: str) -> None:
    """Errors before and in the execution come as a next event, since a 400 would tell a browser nothing."""
    async with curl(api.anonymous(), query) as events:
        assert (await events.head())[0] == 200
        name, result = await events.next()
        assert (name, result["errors"][0]["extensions"]["code"]) == ("next", code)
        assert (await events.next())[0] == "complete"


MIXED = "application/graphql-response+json, application/json, text/event-stream"


@pytest.mark.parametrize(
    ("accept", "query", "media_type"),
    [
        (MIXED, "{ __typename }", "application/graphql-response+json"),
        (MIXED, "{", "application/graphql-response+json"),
        (MIXED, "subscription { lowBalance { sequence } }", "text/event-stream"),
        ("text/event-stream, application/json;q=0.5", "{ __typename }", "text/event-stream"),
        ("application/json", "subscription { lowBalance { sequence } }", "application/json"),
    ],
)
async def test_a_client_that_takes_both_gets_what_fits(api: Api, accept: str, query: str, media_type: str) -> None:
    """Who takes JSON as well gets a stream for a subscription alone; who takes only JSON gets an error for it."""
    client = api.anonymous()
    async with client.http.stream("POST", "/graphql", json={"query": query}, headers={"accept": accept}) as answer:
        assert answer.headers["content-type"].split(";")[0] == media_type
        text = "".join([part async for part in answer.aiter_text()])
        assert ("errors" in text) == (query != "{ __typename }")
        assert "INTERNAL" not in text
