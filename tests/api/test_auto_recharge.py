"""Auto-recharge as a newcomer tries it: the simulated provider over real HTTP in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.process import open_coffer
from tests.api.conftest import running_api
from tests.builders import free_port, settings_for
from tests.waiting import found

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api
    from tests.conftest import Urls

CREATE = 'mutation { createWallet(input: {ownerType: USER, ownerId: "r"}) { wallet { id } } }'
BUY = "mutation($input: PurchaseInput!) { purchaseCredits(input: $input) { errors { code message } } }"
METHODS = "query($id: ID!) { savedMethods(walletId: $id) { nodes { id kind status label } } }"
SETTINGS = """enabled thresholdCredits spentThisMonth { amountMinor } failures retryAt
  attempts(first: 1) { nodes { state failureReason approvalUrl total { formatted } } pageInfo { hasNextPage } }"""
ENABLE = f"""mutation($input: EnableAutoRechargeInput!) {{
  enableAutoRecharge(input: $input) {{ autoRecharge {{ {SETTINGS} }} errors {{ code message field }} }} }}"""
WATCH = f"subscription($id: ID!) {{ autoRechargeUpdated(walletId: $id) {{ {SETTINGS} }} }}"
READ = f"query($id: ID!) {{ autoRecharge(walletId: $id) {{ {SETTINGS} }} }}"
BALANCE = "query($id: ID!) { wallet(id: $id) { availableCredits autoRechargeEnabled } }"
SPEND = """mutation($id: ID!) { consume(input: {walletId: $id, feature: "API_BASIC_REQUEST", quantity: 1400,
  idempotencyKey: "s"}) { errors { code } } }"""


async def until(client: Client, wallet: str, state: str) -> dict[str, Any]:
    """The auto-recharge when its last attempt has got there."""
    row: dict[str, Any] = await found(
        lambda: client.run(READ, id=wallet), lambda row: [at["state"] for at in row["attempts"]["nodes"]] == [state]
    )
    return row


async def saved(client: Client, method: str) -> tuple[str, dict[str, Any]]:
    """A wallet of 1,500 credits and the method that bought them."""
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_150", "method": method, "idempotencyKey": "b", "saveMethod": True}
    assert (await client.run(BUY, input=words))["errors"] == []
    methods = await found(lambda: client.run(METHODS, id=wallet), lambda page: bool(page["nodes"]))
    return wallet, methods["nodes"][0]


async def enabled(client: Client, method: str, **changes: object) -> str:
    """A wallet that buys by itself below 200 credits."""
    wallet, found = await saved(client, method)
    words = {"walletId": wallet, "savedMethodId": found["id"], "thresholdCredits": 200, "amountMinor": 50_000}
    answer = await client.run(ENABLE, input=words | {"monthlyLimitMinor": 9_900_000} | changes)
    assert answer["errors"] == []
    return wallet


async def test_a_wallet_buys_by_itself(api: Api) -> None:
    """The spend below the threshold buys a pack with the saved card; a stream is told of it."""
    client = await api.client()
    wallet = await enabled(client, "CREDIT_CARD")
    async with client.watch(WATCH, id=wallet) as stream:
        assert (await stream.next())["enabled"]
        await client.run(SPEND, id=wallet)
        row = await until(client, wallet, "SUCCEEDED")
        while (await stream.next())["attempts"] != row["attempts"]:
            pass
    assert row["spentThisMonth"] == {"amountMinor": 60_200}
    assert await client.run(BALANCE, id=wallet) == {"availableCredits": 5_600, "autoRechargeEnabled": True}


async def test_a_declined_card_is_tried_again_later(api: Api) -> None:
    """A debit card of the simulated provider declines: the attempt fails with the bank's words, and has a next time."""
    client = await api.client()
    wallet = await enabled(client, "DEBIT_CARD")
    await client.run(SPEND, id=wallet)
    row = await until(client, wallet, "FAILED")
    assert "insufficient funds" in row["attempts"]["nodes"][0]["failureReason"]
    row = await client.run(READ, id=wallet)
    assert (row["failures"], row["enabled"]) == (1, True)
    assert row["retryAt"]


async def test_a_mandate_is_debited_after_its_notice(urls: Urls) -> None:
    """UPI leaves a mandate, whose debit is PENDING until the notice has passed."""
    settings = settings_for(free_port(), simulated_notice_seconds=2)
    async with open_coffer(settings, urls.database, urls.redis) as coffer, running_api(coffer, settings) as api:
        client = await api.client()
        wallet = await enabled(client, "UPI")
        await client.run(SPEND, id=wallet)
        await until(client, wallet, "PENDING")
        await until(client, wallet, "SUCCEEDED")


async def test_a_large_debit_is_approved_on_a_page(api: Api) -> None:
    """Above 15,000 rupees a mandate's customer approves on the provider's page, and then gets the credits."""
    client = await api.client()
    wallet = await enabled(client, "UPI", amountMinor=1_300_000)
    await client.run(SPEND, id=wallet)
    row = await until(client, wallet, "SUCCEEDED")
    assert row["attempts"]["nodes"][0]["total"]["formatted"] == "₹15,652.00"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amountMinor": None}, ["amountMinor"]),
        ({"targetCredits": 5_000}, ["amountMinor"]),
        ({"amountMinor": 14_999}, ["amountMinor"]),
        ({"thresholdCredits": 0}, ["thresholdCredits"]),
        ({"monthlyLimitMinor": 60_199}, ["monthlyLimitMinor"]),
        ({"savedMethodId": "pm_none"}, ["savedMethodId"]),
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, changes: dict[str, object], field: list[str]) -> None:
    """A refusal names the field at fault."""
    client = await api.client()
    wallet, found = await saved(client, "CREDIT_CARD")
    words = {"walletId": wallet, "savedMethodId": found["id"], "thresholdCredits": 200, "amountMinor": 50_000}
    answer = await client.run(ENABLE, input=words | {"monthlyLimitMinor": 99_000} | changes)
    assert [error["field"] for error in answer["errors"]] == [field]
