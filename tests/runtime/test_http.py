"""Request heads that are too large or never end, on raw connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from runtime import http
from tests.api.conftest import Api, running_api
from tests.waiting import found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from services.coffer import Coffer

FILLER = b"x-filler: " + b"x" * 8_000 + b"\r\n"
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
async def api(coffer: Coffer, settings: Settings) -> AsyncIterator[Api]:
    """A running server."""
    async with running_api(coffer, settings) as running:
        yield running


@asynccontextmanager
async def raw(api: Api) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that says what it likes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.settings.port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def refused(reason: str) -> float:
    """How many connections were closed for a reason."""
    return REGISTRY.get_sample_value("coffer_http_heads_refused_total", {"reason": reason}) or 0


async def test_an_endless_head_is_cut_off(api: Api) -> None:
    """Headers without end close the connection soon after the limit."""
    before, sent = refused("large"), 0
    async with raw(api) as (reader, writer):
        writer.write(REQUEST)
        with suppress(ConnectionError):
            while sent < 100 * http.MAX_HEAD_BYTES and not reader.at_eof():
                writer.write(FILLER)
                sent += len(FILLER)
                await writer.drain()
                # The server is in the same loop: give it its turn.
                await asyncio.sleep(0)
    assert sent < 100 * http.MAX_HEAD_BYTES
    assert refused("large") == before + 1


async def test_a_slow_head_is_408(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that does not end is cut off when its time is over, on a new connection and on a used one."""
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.3)
    for first in (b"", REQUEST + b"\r\n"):
        async with raw(api) as (reader, writer):
            writer.write(first + REQUEST)
            assert b"408 Request Timeout" in await reader.read()


async def test_a_socket_outlives_the_time_for_its_head(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit ends with the head: an open socket and a request that is under way are not touched by it."""
    monkeypatch.setattr(http, "HEAD_SECONDS", 0.05)
    client = await api.client()
    async with client.watch("subscription { lowBalance { sequence } }") as stream:
        assert await stream.message(seconds=0.3) == {}
        assert (await client.ask("{ __typename }"))["data"] == {"__typename": "Query"}


async def test_a_client_that_reads_no_more_is_let_go(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that nobody takes hold their connection for STALL_SECONDS, not for ever."""
    monkeypatch.setattr(http, "STALL_SECONDS", 0.05)
    before = REGISTRY.get_sample_value("coffer_http_stalled_total") or 0
    async with raw(api) as (_, writer):
        writer.write(b"GET /static/graphiql/graphiql.js HTTP/1.1\r\nhost: x\r\n\r\n" * 40)
        await found(
            lambda: asyncio.sleep(0, REGISTRY.get_sample_value("coffer_http_stalled_total")),
            lambda now: now == before + 1,
        )
