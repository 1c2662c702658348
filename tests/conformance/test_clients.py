"""Clients that people use, as they come from their registries, against a real server."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from gql import Client as GqlClient
from gql import gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.api.conftest import CREATE_WALLET, GRANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.client import Client
    from tests.api.conftest import Api

HERE = Path(__file__).parent
LIVE = ["graphql-sse", "graphql-ws", "urql", "urql over fetch"]
WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"


async def new_wallet(client: Client) -> str:
    """A wallet that nobody else watches."""
    return str((await client.run(CREATE_WALLET, owner=uuid4().hex))["wallet"]["id"])


async def grant(client: Client, wallet: str) -> None:
    """One movement of credits."""
    await client.run(GRANT, input={"walletId": wallet, "credits": 1, "reason": "r", "idempotencyKey": uuid4().hex})


@asynccontextmanager
async def node_clients(client: Client, wallet: str) -> AsyncIterator[asyncio.StreamReader]:
    """The lines that the Node clients print."""
    command = ["node", str(HERE / "clients.mjs"), f"{client.url}/graphql", str(client.key), wallet]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        yield process.stdout
    finally:
        process.terminate()
        await process.wait()


async def heard(lines: asyncio.StreamReader, count: int) -> list[tuple[str, Any]]:
    """What that many events said, by client."""
    async with asyncio.timeout(30):
        events = [json.loads(await lines.readline()) for _ in range(count)]
    return sorted(((event["client"], event["data"]) for event in events), key=itemgetter(0))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node 20")
@pytest.mark.skipif(not (HERE / "node_modules").exists(), reason="`make conformance` installs the clients")
async def test_node_clients(api: Api) -> None:
    """graphql-ws, graphql-sse and urql hear the wallet now and the grant that follows; urql's query answers."""
    client = await api.client()
    wallet = await new_wallet(client)
    async with node_clients(client, wallet) as lines:
        first = [(name, {"walletUpdated": {"sequence": 0}}) for name in LIVE]
        assert await heard(lines, 5) == sorted([*first, ("urql query", {"wallet": {"sequence": 0}})], key=itemgetter(0))
        await grant(client, wallet)
        assert await heard(lines, 4) == [(name, {"walletUpdated": {"sequence": 1}}) for name in LIVE]


async def test_python_client_over_http(api: Api) -> None:
    """The gql package reads the schema with a key and checks its own query against it."""
    client = await api.client()
    transport = HTTPXAsyncTransport(f"{api.url}/graphql", headers={"authorization": f"Bearer {client.key}"})
    async with GqlClient(transport=transport, fetch_schema_from_transport=True) as session:
        assert (await session.execute(gql("{ project { name } }")))["project"] == {"name": "test"}


async def test_python_client_on_a_socket(api: Api) -> None:
    """The gql package hears the wallet now and the grant that follows."""
    client = await api.client()
    wallet = await new_wallet(client)
    payload = {"authorization": f"Bearer {client.key}"}
    transport = WebsocketsTransport(url=f"{api.url}/graphql".replace("http", "ws"), init_payload=payload)
    async with GqlClient(transport=transport) as session, asyncio.timeout(30):
        query = gql(WATCH)
        query.variable_values = {"id": wallet}
        sequences = []
        async for update in session.subscribe(query):
            sequences.append(update["walletUpdated"]["sequence"])
            if sequences == [0]:
                await grant(client, wallet)
            else:
                break
    assert sequences == [0, 1]
