"""Lots, caps, gifts, holds of features and alerts of rapid burn, as clients see them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from services.proof import publish_burns

if TYPE_CHECKING:
    from services.coffer import Coffer
    from tests.api.client import Client
    from tests.api.conftest import Api

E = "errors { code message }"
CREATE = "mutation($owner: String!) { createWallet(input: {ownerType: USER, ownerId: $owner}) { wallet { id } } }"
GRANT = f"mutation($input: GrantInput!) {{ grantCredits(input: $input) {{ wallet {{ availableCredits }} {E} }} }}"
SPEND = """mutation($input: ConsumeInput!) { consume(input: $input) { transaction { id credits }
  errors { code ... on CapReachedError { capId limit left resetsAt } } } }"""


async def funded(client: Client, credits: int = 1_000) -> str:
    """The id of a new wallet with that many credits."""
    wallet: str = (await client.run(CREATE, owner=uuid4().hex))["wallet"]["id"]
    await grant(client, wallet, credits)
    return wallet


async def grant(client: Client, wallet: str, credits: int, **terms: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give a lot."""
    words = {"walletId": wallet, "credits": credits, "reason": "r", "idempotencyKey": uuid4().hex} | terms
    given: dict[str, Any] = await client.run(GRANT, input=words)
    assert given["errors"] == []
    return given


async def spend(client: Client, wallet: str, feature: str, quantity: int = 1) -> dict[str, Any]:
    """Spend a feature."""
    words = {"walletId": wallet, "feature": feature, "quantity": quantity, "idempotencyKey": uuid4().hex}
    spent: dict[str, Any] = await client.run(SPEND, input=words)
    return spent


async def test_a_spend_names_the_lots_that_paid(api: Api) -> None:
    """Promotional credits that end go first; the quote said so before."""
    client = await api.client()
    wallet = await funded(client, 100)
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await grant(client, wallet, 10, source="PROMOTIONAL", expiresAt=end)
    parts = "{ credits source }"
    quote = f'query($id: ID!) {{ quoteSpend(walletId: $id, feature: "AI_SUMMARY") {{ balanceAfter lots {parts} }} }}'
    expected = [{"credits": 10, "source": "PROMOTIONAL"}, {"credits": 5, "source": "BONUS"}]
    assert await client.run(quote, id=wallet) == {"balanceAfter": 95, "lots": expected}
    transaction = (await spend(client, wallet, "AI_SUMMARY"))["transaction"]["id"]
    asked = f"query($id: ID!) {{ allocations(transactionId: $id) {parts} }}"
    assert await client.run(asked, id=transaction) == expected


async def test_a_cap_refuses_with_its_figures(api: Api) -> None:
    """CAP_REACHED carries the cap, its limit, what is left and when there is more."""
    client = await api.client()
    wallet = await funded(client)
    text = """mutation($id: ID!) { setCap(input: {walletId: $id, name: "c", limit: 20, measure: CREDITS, period: MONTH})
      { cap { id } errors { code } } }"""
    cap = (await client.run(text, id=wallet))["cap"]["id"]
    await spend(client, wallet, "AI_SUMMARY")
    error = (await spend(client, wallet, "AI_SUMMARY"))["errors"][0]
    assert error.pop("resetsAt") > datetime.now(UTC).isoformat()[:10]
    assert error == {"code": "CAP_REACHED", "capId": cap, "limit": 20, "left": 5}


async def test_a_hold_of_a_feature_is_captured_item_by_item(api: Api) -> None:
    """Units are captured one by one at the hold's price, and a final one gives the rest back."""
    client = await api.client()
    wallet = await funded(client, 100)
    text = """mutation($input: HoldFeatureInput!) { holdFeature(input: $input) {
      hold { id walletId credits unitCredits } errors { code } } }"""
    words = {"walletId": wallet, "feature": "AI_SUMMARY", "quantity": 4, "idempotencyKey": "h"}
    held = (await client.run(text, input=words))["hold"]
    assert (held["walletId"], held["credits"], held["unitCredits"]) == (wallet, 60, 15)
    capture = """mutation($id: ID!, $key: String!, $final: Boolean) { captureUnits(holdId: $id, quantity: 1,
      idempotencyKey: $key, final: $final) { wallet { availableCredits reservedCredits } } }"""
    first = await client.run(capture, id=held["id"], key="c1", final=False)
    assert first["wallet"] == {"availableCredits": 40, "reservedCredits": 45}
    last = await client.run(capture, id=held["id"], key="c2", final=True)
    assert last["wallet"] == {"availableCredits": 70, "reservedCredits": 0}


async def test_an_atomic_batch_answers_every_item(api: Api) -> None:
    """With one item that can't be paid, all are refused: that one with its reason, the others with BATCH_REFUSED."""
    client = await api.client()
    wallet = await funded(client, 20)
    text = """mutation($inputs: [ConsumeInput!]!) { consumeBatch(inputs: $inputs, atomic: true) {
      results { errors { code } } } }"""
    inputs = [{"walletId": wallet, "feature": "AI_SUMMARY", "idempotencyKey": f"k{number}"} for number in range(2)]
    results = (await client.run(text, inputs=inputs))["results"]
    assert [result["errors"][0]["code"] for result in results] == ["BATCH_REFUSED", "INSUFFICIENT_CREDITS"]


async def test_rapid_burn_is_heard(api: Api, coffer: Coffer) -> None:
    """A stream hears of the wallet that spent more than its limit, once, and the list has it."""
    client = await api.client()
    wallet = await funded(client, 9_000)
    stream_text = "subscription($id: ID!) { rapidBurn(walletId: $id) { walletId spentCredits limitCredits } }"
    async with client.watch(stream_text, id=wallet) as stream:
        await asyncio.sleep(0.2)
        for _ in range(3):
            await spend(client, wallet, "STORAGE_1GB", 60)
        await publish_burns(coffer)
        heard = await stream.next()
    expected = {"walletId": wallet, "spentCredits": 7_200, "limitCredits": 5_000}
    assert heard == expected
    listed = await client.run("{ burnAlerts { nodes { walletId spentCredits limitCredits } } }")
    assert listed["nodes"] == [expected]
