"""Disputes: the credits are frozen, then taken for good or given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.reconcile import reconcile
from domain.errors import InvalidState
from domain.refunds import DisputeStatus as D
from domain.refunds import RefundStatus as R
from services.grants import grant_credits
from services.purchases import get_purchase
from services.refunds import refund_purchase
from services.requests import GrantRequest
from tests.services.purchase_steps import paid
from tests.services.reversal_steps import (
    TOTAL,
    balance,
    dispute_of,
    dispute_rows,
    refund_of,
    refund_rows,
    spend,
    tell,
)

if TYPE_CHECKING:
    from services.coffer import Coffer


async def test_an_open_dispute_freezes_what_is_left_of_its_purchase(coffer: Coffer, database_url: str) -> None:
    """The purchase's unspent credits leave the wallet, those from elsewhere stay, and nothing becomes a debt."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 50)
    await grant_credits(coffer, actor, GrantRequest(purchase.wallet_uuid, 300, "a gift", "g"))
    assert await tell(coffer, purchase, dispute_of(D.OPEN)) == "dispute open"
    assert await tell(coffer, purchase, dispute_of(D.OPEN)) == "known"
    assert await dispute_rows(coffer, actor) == [("OPEN", 4_500)]
    assert await balance(coffer, actor, purchase) == (300, 0)
    assert (await reconcile(database_url))["violations"] == 0


@pytest.mark.parametrize(
    ("told", "status", "expected", "purchase_status"),
    [
        ([D.OPEN, D.WON], "WON", (4_500, 0), "SUCCESS"),
        ([D.WON], "WON", (4_500, 0), "SUCCESS"),
        ([D.WON, D.OPEN, D.WON], "WON", (4_500, 0), "SUCCESS"),
        ([D.OPEN, D.LOST], "LOST", (0, 1_000), "REFUNDED"),
        ([D.LOST], "LOST", (0, 1_000), "REFUNDED"),
        ([D.OPEN, D.WON, D.LOST], "LOST", (0, 1_000), "REFUNDED"),
        ([D.OPEN, D.LOST, D.OPEN], "OPEN", (0, 0), "SUCCESS"),
        ([D.OPEN, D.LOST, D.OPEN, D.LOST], "LOST", (0, 1_000), "REFUNDED"),
        ([D.OPEN, D.LOST, D.WON], "WON", (4_500, 0), "SUCCESS"),
    ],
)
async def test_however_a_dispute_goes_the_credits_end_where_the_money_is(
    coffer: Coffer, database_url: str, told: list[D], status: str, expected: tuple[int, int], purchase_status: str
) -> None:
    """Won gives back, lost takes all with what was spent as a debt, and a dispute may be opened again."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 50)
    for one in told:
        await tell(coffer, purchase, dispute_of(one))
    assert [row[0] for row in await dispute_rows(coffer, actor)] == [status]
    assert await balance(coffer, actor, purchase) == expected
    row = await get_purchase(coffer, actor, purchase.uuid)
    assert row is not None
    assert row.status.name == purchase_status
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_lost_dispute_is_a_refund(coffer: Coffer) -> None:
    """What follows refunds, such as a credit note, needs to know nothing of disputes."""
    actor, purchase = await paid(coffer)
    await tell(coffer, purchase, dispute_of(D.OPEN))
    await tell(coffer, purchase, dispute_of(D.LOST))
    assert await refund_rows(coffer, actor, purchase) == [("DISPUTE", "SUCCEEDED", TOTAL, 5_500)]


async def test_a_dispute_of_a_part_takes_a_part(coffer: Coffer, database_url: str) -> None:
    """After a fifth was refunded, a dispute of another fifth freezes and then takes a fifth of the credits."""
    actor, purchase = await paid(coffer)
    await tell(coffer, purchase, refund_of("r-1", 12_040))
    await tell(coffer, purchase, dispute_of(D.OPEN, 12_040))
    assert await dispute_rows(coffer, actor) == [("OPEN", 1_100)]
    await tell(coffer, purchase, dispute_of(D.LOST, 12_040))
    assert await balance(coffer, actor, purchase) == (3_300, 0)
    assert (await reconcile(database_url))["violations"] == 0


async def test_what_is_disputed_can_not_be_refunded_as_well(coffer: Coffer) -> None:
    """While the bank asks for all of it, refundPurchase is INVALID_STATE."""
    actor, purchase = await paid(coffer)
    await tell(coffer, purchase, dispute_of(D.OPEN))
    with pytest.raises(InvalidState, match="disputed"):
        await refund_purchase(coffer, actor, purchase.uuid, None, "k")


async def test_a_dispute_that_a_refund_prevented_takes_the_credits_once(coffer: Coffer, database_url: str) -> None:
    """A provider that refunds the buyer in time tells both; the credits go with the refund alone."""
    actor, purchase = await paid(coffer)
    await tell(coffer, purchase, dispute_of(D.OPEN))
    await tell(coffer, purchase, dispute_of(D.WON), refund_of("r-1", TOTAL, R.SUCCEEDED))
    assert await refund_rows(coffer, actor, purchase) == [("PROVIDER", "SUCCEEDED", TOTAL, 5_500)]
    assert await balance(coffer, actor, purchase) == (0, 0)
    assert (await reconcile(database_url))["violations"] == 0
