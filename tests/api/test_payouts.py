"""Payouts through the simulated provider, over real HTTP in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import found

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api

CREATE = 'mutation { createWallet(input: {ownerType: USER, ownerId: "p"}) { wallet { id } } }'
GRANT = """mutation($id: ID!) { grantCredits(input: {walletId: $id, credits: 1000, reason: "earned",
  idempotencyKey: "g"}) { errors { code } } }"""
KNOW = """mutation($input: BeneficiaryInput!) {
  createBeneficiary(input: $input) { beneficiary { id status label } errors { message } } }"""
PAY = """mutation($input: RequestPayoutInput!) { requestPayout(input: $input) {
  transfer { id status amount { formatted } } wallet { availableCredits lockedCredits } errors { message field } } }"""
READ = "query($id: ID!) { payoutTransfers(walletId: $id) { nodes { id status utr failureReason payoutId } } }"
BALANCE = "query($id: ID!) { wallet(id: $id) { availableCredits lockedCredits } }"


async def until(client: Client, wallet: str, status: str) -> dict[str, Any]:
    """The wallet's only payout when it has got there."""
    page = await found(lambda: client.run(READ, id=wallet), lambda page: page["nodes"][0]["status"] == status)
    [row] = page["nodes"]
    return dict(row)


async def paid_out(client: Client, **details: str) -> str:
    """A wallet of 1,000 credits of which 400 are to be paid out to an account."""
    wallet = str((await client.run(CREATE))["wallet"]["id"])
    await client.run(GRANT, id=wallet)
    words = {"walletId": wallet, "name": "Asha Rao", "idempotencyKey": "b"}
    known = (await client.run(KNOW, input=words | details))["beneficiary"]
    assert known["status"] == "VERIFIED"
    ids = {"walletId": wallet, "beneficiaryId": known["id"]}
    asked = await client.run(PAY, input=ids | {"credits": 400, "reason": "earned", "idempotencyKey": "p"})
    assert asked["errors"] == []
    assert asked["wallet"] == {"availableCredits": 600, "lockedCredits": 400}
    assert asked["transfer"]["amount"]["formatted"] == "₹40.00"
    return wallet


@pytest.mark.parametrize(
    ("details", "status", "available"),
    [
        ({"vpa": "asha@okbank"}, "SUCCEEDED", 600),
        ({"accountNumber": "026291800001190", "ifsc": "YESB0000262"}, "FAILED", 1_000),
        ({"accountNumber": "02014457596969", "ifsc": "CITI0000001"}, "REVERSED", 1_000),
    ],
    ids=["arrives", "fails", "comes back"],
)
async def test_credits_follow_their_money(api: Api, details: dict[str, str], status: str, available: int) -> None:
    """What arrives leaves the wallet; what fails, or comes back later, is in it again."""
    client = await api.client()
    wallet = await paid_out(client, **details)
    row = await until(client, wallet, status)
    assert (row["failureReason"] is None) == (status == "SUCCEEDED")
    assert (row["utr"] is None) == (status == "FAILED")
    assert await client.run(BALANCE, id=wallet) == {"availableCredits": available, "lockedCredits": 0}
