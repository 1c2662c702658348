"""Purchases through the simulated provider, over real HTTP in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.waiting import found

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api

FIELDS = "purchase { id status failureReason checkoutUrl refunded { amountMinor } } errors { code message }"
CREATE = 'mutation { createWallet(input: {ownerType: USER, ownerId: "p"}) { wallet { id } } }'
BUY = f"mutation($input: PurchaseInput!) {{ purchaseCredits(input: $input) {{ {FIELDS} }} }}"
RETRY = f"mutation($id: ID!, $key: String!) {{ retryPurchase(id: $id, idempotencyKey: $key) {{ {FIELDS} }} }}"
REFUND = f"""mutation($id: ID!, $amount: BigInt, $key: String!) {{
  refundPurchase(id: $id, amountMinor: $amount, idempotencyKey: $key) {{ {FIELDS} }} }}"""
READ = "query($id: ID!) { purchase(id: $id) { status failureReason refunded { amountMinor } } }"
BALANCE = "query($id: ID!) { wallet(id: $id) { availableCredits lifetimePurchasedCredits } }"
SPEND = """mutation($id: ID!) { consume(input: {walletId: $id, feature: "API_EXPORT_DATA", quantity: 200,
  idempotencyKey: "s"}) { errors { code } } }"""


async def until(client: Client, purchase: str, status: str) -> dict[str, Any]:
    """The purchase when it has got there."""
    return dict(await found(lambda: client.run(READ, id=purchase), lambda row: row["status"] == status))


async def buy(client: Client, **changes: object) -> tuple[str, dict[str, Any]]:
    """A wallet and a purchase of PACK_500 that has begun."""
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_500", "method": "UPI", "idempotencyKey": "b"} | changes
    bought = await client.run(BUY, input=words)
    assert bought["errors"] == []
    return wallet, bought["purchase"]


async def test_a_failed_purchase_can_be_retried(api: Api) -> None:
    """A purchase that is made to fail is FAILED with a reason, and its retry succeeds."""
    client = await api.client()
    wallet, purchase = await buy(client, simulateFailure=True)
    assert (await until(client, purchase["id"], "FAILED"))["failureReason"]
    again = await client.run(RETRY, id=purchase["id"], key="r")
    assert again["purchase"]["status"] == "PROCESSING"
    await until(client, purchase["id"], "SUCCESS")
    assert (await client.run(BALANCE, id=wallet))["availableCredits"] == 5_500


async def test_the_hosted_page_pays(api: Api) -> None:
    """The checkout page shows the amount and the methods; a payment left pending there can be paid later."""
    client = await api.client()
    wallet, purchase = await buy(client, idempotencyKey="page", simulateFailure=True)
    await until(client, purchase["id"], "FAILED")
    page = await client.http.get(purchase["checkoutUrl"])
    assert "₹602.00" in page.text
    form = {"method": "NET_BANKING", "action": "pending"}
    assert (await client.http.post(purchase["checkoutUrl"], data=form)).status_code == 303
    assert (await client.http.post(purchase["checkoutUrl"], data=form | {"action": "pay"})).status_code == 303
    await until(client, purchase["id"], "SUCCESS")
    assert (await client.run(BALANCE, id=wallet))["availableCredits"] == 5_500


async def test_refunds_take_credits_back_in_proportion(api: Api) -> None:
    """A partial refund takes credits and bonus in proportion; the rest ends in REFUNDED with nothing left."""
    client = await api.client()
    wallet, purchase = await buy(client)
    await until(client, purchase["id"], "SUCCESS")
    part = await client.run(REFUND, id=purchase["id"], amount=20_000, key="part")
    assert part["purchase"]["refunded"]["amountMinor"] == 20_000
    assert (await client.run(BALANCE, id=wallet))["availableCredits"] == 3_300
    assert (await client.run(REFUND, id=purchase["id"], amount=20_000, key="part"))["errors"] == []
    assert (await client.run(BALANCE, id=wallet))["availableCredits"] == 3_300
    too_much = await client.run(REFUND, id=purchase["id"], amount=30_001, key="more")
    assert too_much["errors"][0]["code"] == "INVALID_INPUT"
    await client.run(REFUND, id=purchase["id"], amount=None, key="rest")
    await until(client, purchase["id"], "REFUNDED")
    figures = {"availableCredits": 0, "lifetimePurchasedCredits": 5_000}
    assert await client.run(BALANCE, id=wallet) == figures


async def test_refunded_credits_that_were_spent_become_a_debt(api: Api) -> None:
    """A full refund takes what is left, and what was spent is owed, which the next purchase pays first."""
    client = await api.client()
    wallet, purchase = await buy(client)
    await until(client, purchase["id"], "SUCCESS")
    await client.run(SPEND, id=wallet)
    refunded = await client.run(REFUND, id=purchase["id"], amount=None, key="all")
    assert refunded["errors"] == []
    found = await client.run("query($id: ID!) { wallet(id: $id) { availableCredits debtCredits } }", id=wallet)
    assert found == {"availableCredits": 0, "debtCredits": 4_000}


async def test_below_the_minimum_is_refused(api: Api) -> None:
    """One paisa below 150 rupees is BELOW_MINIMUM with the field at fault."""
    client = await api.client()
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "amountMinor": 14_999, "method": "UPI", "idempotencyKey": "m"}
    refused = await client.run(
        "mutation($input: PurchaseInput!) { purchaseCredits(input: $input) { errors { code field } } }", input=words
    )
    assert refused["errors"] == [{"code": "BELOW_MINIMUM", "field": ["amountMinor"]}]
