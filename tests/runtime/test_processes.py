"""Whole processes: two of them at once, and what is left after they are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import httpx

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


async def wallet_of(client: Client, credits: int) -> str:
    wallet_id = (await client.run(CREATE, owner="load"))["wallet"]["id"]
    grant = {"walletId": wallet_id, "credits": credits, "reason": "a start", "idempotencyKey": "start"}
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


async def test_two_processes_share_one_wallet_without_a_lost_credit(tmp_path: Path) -> None:
    """500 concurrent spends of 15 against 1,000 credits over two servers: 66 succeed, 10 credits stay, no gap."""
    async with ServerProcess(tmp_path) as first, ServerProcess(tmp_path) as second:
        key = first.key()
        clients = [Client(first.url, key), Client(second.url, key)]
        wallet_id = await wallet_of(clients[0], 1_000)
        spend = {"walletId": wallet_id, "feature": "AI_SUMMARY"}
        results = await asyncio.gather(
            *(clients[number % 2].run(SPEND, input=spend | {"idempotencyKey": f"k{number}"}) for number in range(500))
        )
        posted = [result for result in results if not result["errors"]]
        assert (len(posted), min(result["transaction"]["balanceAfter"] for result in posted)) == (66, 10)
        assert [row["sequence"] for row in await rows_of(clients[1], wallet_id)] == list(range(67, 0, -1))
        assert first.command("reconcile").returncode == 0
        for client in clients:
            await client.http.aclose()


class Load:
    """Spends of 1 credit with known keys, sent again until they are acknowledged."""

    def __init__(self, server: ServerProcess, key: str, wallet_id: str) -> None:
        self.server, self.key, self.wallet_id = server, key, wallet_id
        self.sent: list[str] = []
        self.acknowledged: set[str] = set()
        self.stopped = False

    async def run(self, workers: int) -> None:
        """Spend until stopped; a fault is what the test is about, so it is passed over."""
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {self.key}"}, trust_env=False) as http:
            await asyncio.gather(*(self._work(http) for _ in range(workers)))

    async def retry(self) -> None:
        """Send every key again, in chunks, until all are acknowledged."""
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {self.key}"}, trust_env=False) as http:
            for start in range(0, len(self.sent), 50):
                await asyncio.gather(*(self._spend(http, name) for name in self.sent[start : start + 50]))

    async def _work(self, http: httpx.AsyncClient) -> None:
        while not self.stopped:
            name = f"load-{len(self.sent)}"
            self.sent.append(name)
            try:
                await self._spend(http, name)
            except (httpx.TransportError, AssertionError):
                await asyncio.sleep(0.02)

    async def _spend(self, http: httpx.AsyncClient, name: str) -> None:
        spend = {"walletId": self.wallet_id, "feature": "API_BASIC_REQUEST", "idempotencyKey": name}
        body = {"query": SPEND, "variables": {"input": spend}}
        answer = (await http.post(f"{self.server.url}/graphql", json=body, timeout=30)).json()
        assert "errors" not in answer
        assert answer["data"]["consume"]["errors"] == []
        self.acknowledged.add(name)


async def _check_exactly_once(server: ServerProcess, load: Load) -> None:
    """Every acknowledged spend is there once; after a retry with the same keys every key is, and none twice."""
    client = Client(server.url, load.key)
    rows = [row["idempotencyKey"] for row in await rows_of(client, load.wallet_id)]
    assert load.acknowledged <= set(rows)
    await load.retry()
    rows = [row["idempotencyKey"] for row in await rows_of(client, load.wallet_id) if row["credits"] < 0]
    assert (len(rows), set(rows)) == (len(load.sent), set(load.sent))
    await client.http.aclose()
    done = server.command("reconcile")
    assert (done.returncode, json.loads(done.stdout)["violations"]) == (0, 0)


async def test_nothing_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the server in a load of spends: each acknowledged one is there, a retry doubles none."""
    server = ServerProcess(tmp_path)
    await server.start()
    key = server.key()
    client = Client(server.url, key)
    load = Load(server, key, await wallet_of(client, 1_000_000))
    await client.http.aclose()
    task = asyncio.create_task(load.run(20))
    await asyncio.sleep(1.5)
    await server.stop(signal.SIGKILL)
    load.stopped = True
    await task
    assert load.acknowledged
    await server.start()
    await _check_exactly_once(server, load)
    assert await server.stop() == 0


async def test_nothing_is_lost_or_doubled_when_postgres_is_killed(tmp_path: Path) -> None:
    """Kill -9 of PostgreSQL in a load of spends: the server brings it back, and the books are right."""
    async with ServerProcess(tmp_path) as server:
        key = server.key()
        client = Client(server.url, key)
        load = Load(server, key, await wallet_of(client, 1_000_000))
        await client.http.aclose()
        task = asyncio.create_task(load.run(20))
        await asyncio.sleep(1)
        os.kill(server.postgres_pid(), signal.SIGKILL)
        before = len(load.acknowledged)
        deadline = time.monotonic() + 30
        while len(load.acknowledged) < before + 200:
            assert time.monotonic() < deadline, "the server did not recover"
            await asyncio.sleep(0.1)
        load.stopped = True
        await task
        await _check_exactly_once(server, load)


async def test_stop_and_second_start(tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C stop it with all it started, the data stays, and the next start is ready within 5 s."""
    server = ServerProcess(tmp_path)
    await server.start()
    key = server.key()
    client = Client(server.url, key)
    wallet_id = await wallet_of(client, 77)
    pid = server.postgres_pid()
    assert await server.stop(signal.SIGINT) == 0
    assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110, ASYNC240 - a process, not a file
    started = time.monotonic()
    await server.start()
    assert time.monotonic() - started < 5
    assert (await client.run(ROWS, id=wallet_id, after=None))["availableCredits"] == 77
    await client.http.aclose()
    assert await server.stop() == 0


async def test_a_stop_ends_streams_cleanly(tmp_path: Path) -> None:
    """On SIGTERM an open subscription gets `complete` before its socket is closed, and the server exits with 0."""
    async with ServerProcess(tmp_path) as server:
        client = Client(server.url, server.key())
        wallet_id = await wallet_of(client, 5)
        async with client.watch(
            "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }", id=wallet_id
        ) as stream:
            await stream.next()
            stopping = asyncio.create_task(server.stop())
            assert (await stream.message())["type"] == "complete"
            assert await stopping == 0
        await client.http.aclose()
        await server.start()
