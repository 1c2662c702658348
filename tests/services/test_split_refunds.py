"""Refunds of split purchases: vendors give their shares back, to the paisa, and the books follow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reconcile import reconcile
from domain.errors import InvalidInput
from domain.refunds import DisputeStatus, RefundStatus
from domain.splits import take_back
from gateways.splits import Part
from services.jobs import LONGEST_LATER_SECONDS
from services.refunds import refund_purchase
from services.splits import AFTER_PAYMENT, list_splits, split_purchase
from tests.services.planting import unnoticed
from tests.services.recharge_steps import drain
from tests.services.reversal_steps import dispute_of, refund_of, tell
from tests.services.test_settlement import apply, payment_of
from tests.services.test_splits import ALL, bought, clearing, rows, vendor_of

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock
    from tests.services.split_steps import Splitter


@given(
    amount=st.integers(1, 10_000),
    parts=st.lists(st.integers(1, 4_000), max_size=6),
    sizes=st.lists(st.integers(1, 6_000), max_size=8),
)
def test_refunds_take_from_vendors_what_they_got(amount: int, parts: list[int], sizes: list[int]) -> None:
    """Each refund takes at most its own amount, and when all went back vendors have nothing left."""
    left = [part for index, part in enumerate(parts) if sum(parts[: index + 1]) <= amount]
    whole = amount
    for size in [*sizes, amount]:
        refund = min(size, whole)
        if not refund:
            break
        taken = take_back(left, refund, whole)
        assert sum(taken) == sum(left) * refund // whole
        assert all(0 <= one <= had for one, had in zip(taken, left, strict=True))
        left = [had - one for one, had in zip(taken, left, strict=True)]
        whole -= refund
        assert sum(left) <= whole
    assert sum(left) == whole == 0


def test_a_refund_takes_no_more_than_it_is() -> None:
    """Where vendors have more than what is left, since a dispute took the project's part alone."""
    assert take_back([8_000, 2_000], 500, 1_000) == [400, 100]


async def back(coffer: Coffer, actor: Actor, purchase: Purchase) -> list[int]:
    """What went back of each split, the oldest first."""
    found = await list_splits(coffer, actor, purchase.uuid, ALL)
    return [row.refunded_minor for row in reversed(found)]


async def holds(coffer: Coffer, actor: Actor, database_url: str, held: int, shares: int) -> None:
    """What the provider holds and what went to vendors stand in the books, and every promise holds."""
    assert await clearing(coffer, actor) == (held, shares)
    assert (await reconcile(database_url))["violations"] == 0


async def shared(coffer: Coffer, actor: Actor) -> tuple[Purchase, list[str]]:
    """A paid purchase of 500 rupees of which two vendors got a third and a seventh; their names."""
    vendors = [await vendor_of(coffer, actor, share, str(share)) for share in (3_333, 1_429)]
    return await bought(coffer, actor), [vendor.hex for vendor in vendors]


async def test_a_full_refund_takes_the_vendors_shares_back(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str
) -> None:
    """Each vendor gives all that it got, the project the rest with tax and fee, and the provider holds nothing."""
    purchase, vendors = await shared(splitting, actor)
    await refund_purchase(splitting, actor, purchase.uuid, None, "r")
    await drain(splitting)
    [asked] = splitter.refunds
    parts = [Part(vendors[0], 16_665), Part(vendors[1], 7_145)]
    assert (asked.total_minor, asked.splits) == (60_200, parts)
    assert await back(splitting, actor, purchase) == [16_665, 7_145]
    await holds(splitting, actor, database_url, 0, 0)


async def test_repeated_partial_refunds_take_a_share_once(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str
) -> None:
    """Seven refunds at once of odd paise, then the rest: together exactly what each vendor got."""
    purchase, _ = await shared(splitting, actor)
    amounts = (1, 3, 33, 777, 9_999, 12_345, 4_321)
    wanted = [refund_purchase(splitting, actor, purchase.uuid, amount, f"r-{amount}") for amount in amounts]
    await asyncio.gather(*wanted)
    await drain(splitting)
    assert all(sum(part.amount_minor for part in one.splits) <= one.total_minor for one in splitter.refunds)
    await refund_purchase(splitting, actor, purchase.uuid, None, "rest")
    await drain(splitting)
    assert await back(splitting, actor, purchase) == [16_665, 7_145]
    assert sum(part.amount_minor for one in splitter.refunds for part in one.splits) == 16_665 + 7_145
    await holds(splitting, actor, database_url, 0, 0)


async def test_what_was_taken_back_can_be_split_no_more(splitting: Coffer, actor: Actor) -> None:
    """Half of 500 went back, half of it the vendor's: 125 of the other 250 are the vendor's, and 125 can be split."""
    vendor = await vendor_of(splitting, actor, 5_000)
    purchase = await bought(splitting, actor)
    await refund_purchase(splitting, actor, purchase.uuid, 25_000, "r")
    with pytest.raises(InvalidInput, match="at most 12500 paise"):
        await split_purchase(splitting, actor, purchase.uuid, {vendor: 12_501}, "s")
    await split_purchase(splitting, actor, purchase.uuid, {vendor: 12_500}, "s")


@pytest.mark.parametrize("first", [RefundStatus.PENDING, RefundStatus.SUCCEEDED])
async def test_a_refund_that_fails_leaves_vendors_their_shares(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str, first: RefundStatus
) -> None:
    """Also one that the bank sent back after it had succeeded."""
    purchase, _ = await shared(splitting, actor)
    await refund_purchase(splitting, actor, purchase.uuid, None, "r")
    splitter.refund_status = first
    await drain(splitting)
    assert await back(splitting, actor, purchase) == [16_665, 7_145]
    reference = splitter.refunds[0].reference
    await tell(splitting, purchase, refund_of(f"r-{reference}", 60_200, RefundStatus.FAILED, reference))
    assert await back(splitting, actor, purchase) == [0, 0]
    await holds(splitting, actor, database_url, 60_200 - 23_810, 23_810)


async def test_a_refund_the_provider_refuses_leaves_vendors_their_shares(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str
) -> None:
    """Its words are the reason, and the next refund takes the same shares."""
    purchase, _ = await shared(splitting, actor)
    splitter.refuses = True
    await refund_purchase(splitting, actor, purchase.uuid, None, "r")
    await drain(splitting)
    splitter.refuses = False
    await holds(splitting, actor, database_url, 60_200 - 23_810, 23_810)
    await refund_purchase(splitting, actor, purchase.uuid, None, "again")
    await drain(splitting)
    await holds(splitting, actor, database_url, 0, 0)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_refund_waits_for_a_split_that_is_on_its_way(
    splitting: Coffer, splitter: Splitter, actor: Actor, clock: Clock, database_url: str, *, refused: bool
) -> None:
    """A split asked for a moment before is taken back once it is done; one that is refused is not."""
    vendor: UUID = await vendor_of(splitting, actor)
    purchase = await bought(splitting, actor)
    await split_purchase(splitting, actor, purchase.uuid, {vendor: 7_000}, "s")
    await refund_purchase(splitting, actor, purchase.uuid, None, "r")
    assert "refund.send retried" in await drain(splitting)
    clock.move(AFTER_PAYMENT.total_seconds())
    splitter.refuses = refused
    ends = await drain(splitting)
    assert "split.send done" in ends
    splitter.refuses = False
    clock.move(LONGEST_LATER_SECONDS)
    await drain(splitting)
    [asked] = splitter.refunds
    assert asked.splits == ([] if refused else [Part(vendor.hex, 7_000)])
    assert await rows(splitting, actor, purchase) == [("FAILED" if refused else "DONE", 7_000)]
    await holds(splitting, actor, database_url, 0, 0)


async def test_a_refund_begun_elsewhere_takes_what_the_provider_tells(
    splitting: Coffer, actor: Actor, database_url: str
) -> None:
    """A refund at the dashboard takes from vendors what was chosen there, and a lost dispute takes nothing of them."""
    purchase, vendors = await shared(splitting, actor)
    parts = [Part(vendors[0], 5_000), Part("unknown", 1_000)]
    for _ in range(2):
        await tell(splitting, purchase, replace(refund_of("r-1", 12_040), splits=parts))
    assert await back(splitting, actor, purchase) == [5_000, 0]
    await holds(splitting, actor, database_url, 60_200 - 23_810 - 12_040 + 5_000, 18_810)
    dispute = dispute_of(DisputeStatus.LOST, 60_200 - 12_040)
    await tell(splitting, purchase, dispute)
    assert await back(splitting, actor, purchase) == [5_000, 0]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_second_payment_goes_back_with_its_shares(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str
) -> None:
    """Its order was split as well, so vendors give those shares back, and keep those of the first."""
    purchase, vendors = await shared(splitting, actor)
    await apply(splitting, payment_of(purchase, payment_id="pay-2", order_id="order-2"))
    await drain(splitting)
    [asked] = splitter.refunds
    assert (asked.order_id, asked.splits) == ("order-2", [Part(vendors[0], 16_665), Part(vendors[1], 7_145)])
    assert await back(splitting, actor, purchase) == [0, 0]
    await holds(splitting, actor, database_url, 60_200 - 23_810, 23_810)


BOOKED = "what refunds take back of vendors is in the money books once"
PLANTED = {
    "update split_refund set amount_minor = amount_minor - 1": BOOKED,
    "delete from money_entry where kind = 14": BOOKED,
    "update purchase_split set refunded_minor = 1": "vendors give back what refunds take of their parts",
}


async def test_reconcile_finds_what_was_planted(splitting: Coffer, actor: Actor, database_url: str) -> None:
    """Each change by somebody with all rights breaks the promise about it."""
    purchase, _ = await shared(splitting, actor)
    await refund_purchase(splitting, actor, purchase.uuid, 10_000, "r")
    await drain(splitting)
    assert await unnoticed(database_url, PLANTED) == []
