"""Whole processes: two of them at once, and how they stop. tests/crash kills them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.client import Client
from tests.runtime.server import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

CREATE = """mutation($owner: String!) { createWallet(input: {ownerType: USER, ownerId: $owner}) { wallet { id } } }"""
GRANT = (
    """mutation($input: GrantInput!) { grantCredits(input: $input) { wallet { availableCredits } errors { code } } }"""
)
SPEND = """mutation($input: ConsumeInput!) { consume(input: $input) { replayed transaction { sequence balanceAfter }
  errors { code } } }"""
ROWS = """query($id: ID!, $after: String) { wallet(id: $id) { availableCredits transactions(first: 100, after: $after) {
  nodes { sequence idempotencyKey credits } pageInfo { hasNextPage endCursor } } } }"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, which is made once: each test has a wallet of its own in it."""
    return tmp_path_factory.mktemp("data")


async def wallet_of(client: Client, credits: int) -> str:
    wallet_id = (await client.run(CREATE, owner=f"owner of {credits}"))["wallet"]["id"]
    grant = {"walletId": wallet_id, "credits": credits, "reason": "a start", "idempotencyKey": f"start {credits}"}
    await client.run(GRANT, input=grant)
    return str(wallet_id)


async def rows_of(client: Client, wallet_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await client.run(ROWS, id=wallet_id, after=after))["transactions"]
        rows += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows


async def test_two_processes_share_one_wallet_without_a_lost_credit(data_dir: Path) -> None:
    """500 concurrent spends of 15 against 1,000 credits over two servers: 66 succeed, 10 credits stay, no gap."""
    async with AsyncExitStack() as opened:
        servers = [await opened.enter_async_context(ServerProcess(data_dir)) for _ in range(2)]
        key = servers[0].key()
        clients = [await opened.enter_async_context(Client(server.url, key)) for server in servers]
        wallet_id = await wallet_of(clients[0], 1_000)
        spend = {"walletId": wallet_id, "feature": "AI_SUMMARY"}
        results = await asyncio.gather(
            *(clients[number % 2].run(SPEND, input=spend | {"idempotencyKey": f"k{number}"}) for number in range(500))
        )
        posted = [result for result in results if not result["errors"]]
        assert (len(posted), min(result["transaction"]["balanceAfter"] for result in posted)) == (66, 10)
        assert [row["sequence"] for row in await rows_of(clients[1], wallet_id)] == list(range(67, 0, -1))
        assert servers[0].command("reconcile").returncode == 0


async def test_stop_and_second_start(data_dir: Path) -> None:
    """SIGTERM and Ctrl-C stop it with all it started, the data stays, and the next start finds it."""
    async with ServerProcess(data_dir) as server, Client(server.url, server.key()) as client:
        wallet_id = await wallet_of(client, 77)
        pid = server.postgres_pid()
        assert await server.stop(signal.SIGINT) == 0
        assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110, ASYNC240 - a process, not a file
        await server.start()
        assert (await client.run(ROWS, id=wallet_id, after=None))["availableCredits"] == 77
        assert await server.stop() == 0


async def test_a_stop_ends_streams_cleanly(data_dir: Path) -> None:
    """On SIGTERM an open subscription gets `complete` before its socket is closed, and the server exits with 0."""
    async with ServerProcess(data_dir) as server, Client(server.url, server.key()) as client:
        wallet_id = await wallet_of(client, 5)
        async with client.watch(
            "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }", id=wallet_id
        ) as stream:
            await stream.next()
            stopping = asyncio.create_task(server.stop())
            assert (await stream.message())["type"] == "complete"
            assert await stopping == 0
