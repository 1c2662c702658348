"""Live streams: a snapshot first, nothing missed, nothing twice, right after an outage of Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from services.feed import MESSAGE_TRANSACTIONS
from tests.api.conftest import CREATE_WALLET, GRANT

if TYPE_CHECKING:
    from runtime.embedded_valkey import ValkeyServer
    from tests.api.client import Client, Stream
    from tests.api.conftest import Api

WATCH = """subscription($id: ID!, $after: BigInt) { walletUpdated(walletId: $id, after: $after) { sequence
  wallet { availableCredits lowBalanceThreshold } transactions { sequence balanceAfter } } }"""
BALANCE = "subscription($id: ID!, $after: BigInt) { walletUpdated(walletId: $id, after: $after) { sequence } }"
LOW = "subscription { lowBalance { availableCredits sequence } }"
SPEND = """mutation($inputs: [ConsumeInput!]!) { consumeBatch(inputs: $inputs) { results { errors { code } } } }"""


async def start(client: Client, credits: int) -> str:
    wallet = (await client.run(CREATE_WALLET, owner="live"))["wallet"]["id"]
    grant = {"walletId": wallet, "credits": credits, "reason": "r", "idempotencyKey": "start"}
    await client.run(GRANT, input=grant)
    return str(wallet)


async def spend(client: Client, wallet: str, keys: range, feature: str = "API_BASIC_REQUEST") -> None:
    inputs = [{"walletId": wallet, "feature": feature, "idempotencyKey": f"{feature}{key}"} for key in keys]
    results = (await client.run(SPEND, inputs=inputs))["results"]
    assert [result for result in results if result["errors"]] == []


async def read_to(stream: Stream, sequence: int) -> list[dict[str, Any]]:
    """The transactions of every update until that sequence was reached."""
    rows: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while True:
            update = await stream.next()
            rows += update["transactions"]
            if update["sequence"] >= sequence:
                return rows


async def test_a_stream_has_every_transaction_once_and_in_order(api: Api) -> None:
    """700 spends in large batches reach a watcher as sequences 2 to 701, each once."""
    client = await api.client()
    wallet = await start(client, 10_000)
    async with client.watch(WATCH, id=wallet) as stream:
        assert (await stream.next())["sequence"] == 1
        await spend(client, wallet, range(700))
        assert MESSAGE_TRANSACTIONS < 700
        assert [row["sequence"] for row in await read_to(stream, 701)] == list(range(2, 702))


async def test_a_client_resumes_where_it_was(api: Api) -> None:
    """With `after` every transaction above it comes, in pages, each once, and then what is new."""
    client = await api.client()
    wallet = await start(client, 10_000)
    await spend(client, wallet, range(250))
    async with client.watch(WATCH, id=wallet, after=7) as stream:
        missed = await read_to(stream, 251)
        await spend(client, wallet, range(250, 260))
        assert [row["sequence"] for row in missed + await read_to(stream, 261)] == list(range(8, 262))


async def test_a_client_that_wants_no_transactions_gets_the_newest_state(api: Api) -> None:
    """What it missed is one update, and what follows comes as to anybody."""
    client = await api.client()
    wallet = await start(client, 10_000)
    await spend(client, wallet, range(250))
    async with client.watch(BALANCE, id=wallet, after=7) as stream:
        assert await stream.next() == {"sequence": 251}
        await spend(client, wallet, range(250, 251))
        assert await stream.next() == {"sequence": 252}


async def test_a_client_that_is_up_to_date_gets_the_snapshot(api: Api) -> None:
    """Resuming at (or beyond) the newest sequence sends the state without transactions."""
    client = await api.client()
    wallet = await start(client, 10)
    for after in (1, 99):
        async with client.watch(WATCH, id=wallet, after=after) as stream:
            update = await stream.next()
            assert (update["sequence"], update["transactions"]) == (1, [])


async def test_changed_settings_reach_watchers(api: Api) -> None:
    """A new threshold is pushed although no credit moved."""
    client = await api.client()
    wallet = await start(client, 10)
    async with client.watch(WATCH, id=wallet) as stream:
        await stream.next()
        change = (
            "mutation($id: ID!) { updateWallet(input: {walletId: $id, lowBalanceThreshold: 5}) { errors { code } } }"
        )
        await client.run(change, id=wallet)
        assert (await stream.next())["wallet"]["lowBalanceThreshold"] == 5


async def test_an_alert_fires_once_per_dip(api: Api) -> None:
    """Two dips with a top-up between give two alerts, however many spends happen below the threshold."""
    client = await api.client()
    wallet = await start(client, 230)
    async with client.watch(LOW) as alerts:
        await asyncio.sleep(0.2)
        await spend(client, wallet, range(3), "API_EXPORT_DATA")
        again = {"walletId": wallet, "credits": 30, "reason": "r", "idempotencyKey": "again"}
        await client.run(GRANT, input=again)
        await spend(client, wallet, range(3, 5), "API_EXPORT_DATA")
        assert [(await alerts.next())["availableCredits"] for _ in range(2)] == [190, 180]
        assert await alerts.message(seconds=0.3) == {}


class TestOutage:
    """With a Redis that goes away."""

    @pytest.fixture
    def redis_url(self, valkey: ValkeyServer) -> str:
        """The Valkey that is stopped."""
        return valkey.url

    async def test_streams_are_right_after_redis_was_down(self, api: Api, valkey: ValkeyServer) -> None:
        """Spends go on without Redis; within 6 s of its return the watcher has them all, once, and the alert too."""
        client = await api.client()
        wallet = await start(client, 1_000)
        async with client.watch(WATCH, id=wallet) as stream, client.watch(LOW) as alerts:
            await stream.next()
            await asyncio.sleep(0.3)
            valkey.stop()
            await spend(client, wallet, range(45), "API_EXPORT_DATA")
            valkey.start()
            async with asyncio.timeout(6):
                rows = await read_to(stream, 46)
                alert = await alerts.next()
            assert [row["sequence"] for row in rows] == list(range(2, 47))
            assert alert["availableCredits"] == 180
            await spend(client, wallet, range(3))
            assert [row["sequence"] for row in await read_to(stream, 49)] == [47, 48, 49]
            assert await alerts.message(seconds=0.3) == {}
