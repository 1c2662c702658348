"""The whole story of a credit, as a client sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.api.client import Client, Stream
    from tests.api.conftest import Api

CREATE = """mutation($owner: String!) { createWallet(input: {ownerType: USER, ownerId: $owner}) {
  wallet { id availableCredits isLowBalance canUsePremium sequence } errors { code message } } }"""
BUY = """mutation($wallet: ID!) { purchaseCredits(input: {walletId: $wallet, packCode: "PACK_500", method: UPI,
  idempotencyKey: "buy-1"}) { purchase { id status checkoutUrl quote { total { amountMinor formatted } } }
  errors { code message } } }"""
SPEND = """mutation($input: ConsumeInput!) { consume(input: $input) { replayed
  transaction { id type credits balanceBefore balanceAfter feature source }
  wallet { availableCredits canUsePremium }
  errors { code message field ... on InsufficientCreditsError { availableCredits requiredCredits }
    ... on PricingMatrixMismatchError { expectedCredits actualCredits } } } }"""
WATCH = """subscription($id: ID!, $after: BigInt) { walletUpdated(walletId: $id, after: $after) { sequence
  wallet { availableCredits } transactions { sequence type credits balanceAfter } } }"""
WATCH_PURCHASE = "subscription($id: ID!) { purchaseUpdated(id: $id) { status } }"
WATCH_LOW = "subscription { lowBalance { walletId availableCredits threshold sequence } }"


async def test_buy_spend_watch(api: Api) -> None:
    """A bought pack arrives by webhook, spends move it, and open sockets show each step."""
    client = await api.client()
    wallet = (await client.run(CREATE, owner="maya"))["wallet"]
    async with client.watch(WATCH, id=wallet["id"]) as updates, client.watch(WATCH_LOW) as alerts:
        assert (await updates.next())["wallet"]["availableCredits"] == 0
        await _buy(client, wallet["id"], updates)
        await _spend_once(client, wallet["id"], updates)
        await _drain(client, wallet["id"], alerts)


async def _buy(client: Client, wallet_id: str, updates: Stream) -> None:
    bought = (await client.run(BUY, wallet=wallet_id))["purchase"]
    assert bought["status"] == "PROCESSING"
    assert bought["quote"]["total"] == {"amountMinor": 60200, "formatted": "₹602.00"}
    async with client.watch(WATCH_PURCHASE, id=bought["id"]) as stream:
        statuses = [(await stream.next())["status"]]
        while statuses[-1] != "SUCCESS":
            statuses.append((await stream.next())["status"])
    rows: list[dict[str, Any]] = []
    while len(rows) < 2:
        update = await updates.next()
        rows += update["transactions"]
    assert [(row["type"], row["credits"], row["balanceAfter"]) for row in rows] == [
        ("CREDIT_PURCHASE", 5000, 5000),
        ("BONUS_CREDIT", 500, 5500),
    ]


async def _spend_once(client: Client, wallet_id: str, updates: Stream) -> None:
    spend = {"walletId": wallet_id, "feature": "AI_SUMMARY", "idempotencyKey": "spend-1"}
    first = await client.run(SPEND, input=spend)
    assert (first["transaction"]["balanceBefore"], first["transaction"]["balanceAfter"]) == (5500, 5485)
    assert (await updates.next())["wallet"]["availableCredits"] == 5485
    again = await client.run(SPEND, input=spend)
    assert (again["replayed"], again["transaction"], again["wallet"]) == (True, first["transaction"], first["wallet"])
    other = await client.run(SPEND, input=spend | {"feature": "AI_SEARCH"})
    assert other["errors"][0]["code"] == "IDEMPOTENCY_CONFLICT"
    wrong = await client.run(SPEND, input=spend | {"idempotencyKey": "spend-2", "expectedCredits": 14})
    assert wrong["errors"][0] == {
        "code": "PRICING_MATRIX_MISMATCH",
        "message": "The price is 15 credits, not 14: read `pricing` again.",
        "field": ["expectedCredits"],
        "expectedCredits": 14,
        "actualCredits": 15,
    }


async def _drain(client: Client, wallet_id: str, alerts: Stream) -> None:
    spend = {"walletId": wallet_id, "feature": "API_EXPORT_DATA", "idempotencyKey": "drain", "quantity": 274}
    assert (await client.run(SPEND, input=spend))["wallet"]["availableCredits"] == 5
    alert = await alerts.next()
    assert (alert["walletId"], alert["availableCredits"], alert["threshold"]) == (wallet_id, 5, 200)
    poor = {"walletId": wallet_id, "feature": "AI_SUMMARY", "idempotencyKey": "poor"}
    refused = (await client.run(SPEND, input=poor))["errors"][0]
    assert (refused["code"], refused["availableCredits"], refused["requiredCredits"]) == ("INSUFFICIENT_CREDITS", 5, 15)
    last = {"walletId": wallet_id, "feature": "API_HEAVY_QUERY", "idempotencyKey": "last"}
    assert (await client.run(SPEND, input=last))["wallet"] == {"availableCredits": 0, "canUsePremium": False}
    core = {"walletId": wallet_id, "feature": "CREATE_COMMUNITY", "idempotencyKey": "core"}
    assert (await client.run(SPEND, input=core))["errors"] == []
    try:
        async with asyncio.timeout(0.3):
            raise AssertionError(f"a second alert in one dip: {await alerts.next()}")
    except TimeoutError:
        pass
