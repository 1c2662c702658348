"""Splits: a vendor's share goes with the order, other parts after the payment, and the books know where money went."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db import events as event_queries
from db import money
from db.events import Message
from db.reconcile import reconcile
from domain.books import money_balances
from domain.errors import DomainError, IdempotencyConflict, InvalidInput, InvalidState, NotFound, PaymentFailed
from domain.jobs import Queue
from domain.pages import Page
from domain.payouts import BankDetails
from domain.splits import VendorDetails, VendorStatus, shares
from gateways.base import EventKind
from gateways.splits import Part
from services.jobs import LONGEST_LATER_SECONDS
from services.purchases import purchase_credits
from services.refunds import refund_purchase
from services.requests import VendorRequest
from services.splits import AFTER_PAYMENT, list_splits, split_purchase
from services.vendors import FOLLOW_UP_SECONDS, create_vendor, list_vendors, update_vendor
from tests.builders import wallet_with
from tests.services.recharge_steps import drain
from tests.services.test_settlement import apply, payment_of, request_for

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock
    from tests.services.split_steps import Splitter

DETAILS = VendorDetails(
    "School of Asha",
    "asha@example.com",
    "9876543210",
    BankDetails("026291800001191", "YESB0000262"),
    "BUSINESS",
    "Education",
    "ABCDE1234F",
)
SHARE = VendorRequest(DETAILS, 2_000)
ALL = Page(50, None)


async def bought(coffer: Coffer, actor: Actor, *, pays: bool = True) -> Purchase:
    """A purchase of 500 rupees."""
    wallet = await wallet_with(coffer, actor, 0)
    purchase = await purchase_credits(coffer, actor, request_for(wallet.uuid))
    if pays:
        assert await apply(coffer, payment_of(purchase)) == "granted"
    return purchase


async def rows(coffer: Coffer, actor: Actor, purchase: Purchase) -> list[tuple[str, int]]:
    """Status and paise of each split, the oldest first."""
    found = await list_splits(coffer, actor, purchase.uuid, ALL)
    return [(row.status.name, row.amount_minor) for row in reversed(found)]


async def clearing(coffer: Coffer, actor: Actor) -> tuple[int, int]:
    """What the providers hold, and what goes to vendors, in the money books."""
    async with coffer.database.reading() as session:
        balances = money_balances(await money.flows(session, actor.project_id))
    found = {row.account.name: row.balance_minor for row in balances}
    return found.get("GATEWAY_CLEARING", 0), found.get("VENDOR_SHARES", 0)


async def vendor_of(coffer: Coffer, actor: Actor, share: int = 0, key: str = "v") -> UUID:
    """A vendor."""
    return (await create_vendor(coffer, actor, replace(SHARE, share_basis_points=share), key)).uuid


async def test_a_vendor_s_share_goes_with_the_order(
    splitting: Coffer, splitter: Splitter, actor: Actor, database_url: str
) -> None:
    """A fifth of the 500.00, without tax and fee, is part of the order, and counts once the order is paid."""
    vendor = await vendor_of(splitting, actor, 2_000)
    purchase = await bought(splitting, actor, pays=False)
    assert splitter.orders[0].splits == [Part(vendor.hex, 10_000)]
    assert await rows(splitting, actor, purchase) == [("PLANNED", 10_000)]
    await apply(splitting, payment_of(purchase))
    assert await rows(splitting, actor, purchase) == [("DONE", 10_000)]
    assert await clearing(splitting, actor) == (50_200, 10_000)
    assert (await reconcile(database_url))["violations"] == 0


async def test_parts_are_split_after_the_payment(
    splitting: Coffer, splitter: Splitter, actor: Actor, clock: Clock, database_url: str
) -> None:
    """Not sooner than two minutes after it, once for a key; a repetition under the key is the same."""
    vendor = await vendor_of(splitting, actor)
    purchase = await bought(splitting, actor)
    asked = [await split_purchase(splitting, actor, purchase.uuid, {vendor: 7_000}, "s") for _ in range(2)]
    assert asked[0][0].uuid == asked[1][0].uuid
    await drain(splitting)
    assert (await rows(splitting, actor, purchase), splitter.done) == ([("REQUESTED", 7_000)], {})
    clock.move(AFTER_PAYMENT.total_seconds())
    await drain(splitting)
    assert await rows(splitting, actor, purchase) == [("DONE", 7_000)]
    assert list(splitter.done.values()) == [[Part(vendor.hex, 7_000)]]
    assert await clearing(splitting, actor) == (53_200, 7_000)
    assert (await reconcile(database_url))["violations"] == 0
    with pytest.raises(IdempotencyConflict):
        await split_purchase(splitting, actor, purchase.uuid, {vendor: 7_001}, "s")


async def test_what_the_provider_refuses_stays(
    splitting: Coffer, splitter: Splitter, actor: Actor, clock: Clock, database_url: str
) -> None:
    """A split that comes too late is FAILED with the provider's words, and its money can be split again."""
    vendor = await vendor_of(splitting, actor)
    purchase = await bought(splitting, actor)
    await split_purchase(splitting, actor, purchase.uuid, {vendor: 50_000}, "s")
    splitter.refuses = True
    clock.move(AFTER_PAYMENT.total_seconds())
    await drain(splitting)
    [row] = await list_splits(splitting, actor, purchase.uuid, ALL)
    assert (row.status.name, row.failure_reason) == ("FAILED", "Transaction already processed, not eligible for split")
    assert await clearing(splitting, actor) == (60_200, 0)
    await split_purchase(splitting, actor, purchase.uuid, {vendor: 50_000}, "again")
    assert (await reconcile(database_url))["violations"] == 0


async def test_no_more_is_split_than_was_paid(splitting: Coffer, actor: Actor) -> None:
    """Of twenty requests of 5,000 paise at once ten fit into 50,000; a refund leaves less."""
    vendor = await vendor_of(splitting, actor)
    purchase = await bought(splitting, actor)

    async def one(number: int) -> bool:
        try:
            await split_purchase(splitting, actor, purchase.uuid, {vendor: 5_000}, f"s-{number}")
        except DomainError:
            return False
        return True

    assert sum(await asyncio.gather(*(one(number) for number in range(20)))) == 10
    other = await bought(splitting, actor, pays=False)
    await apply(splitting, payment_of(other, payment_id="other", order_id="order-other"))
    await refund_purchase(splitting, actor, other.uuid, 20_000, "r")
    with pytest.raises(InvalidInput, match="at most 30000"):
        await split_purchase(splitting, actor, other.uuid, {vendor: 30_001}, "s")


async def test_only_a_paid_purchase_and_an_active_vendor_are_split(
    splitting: Coffer, splitter: Splitter, actor: Actor
) -> None:
    """Unpaid purchases, blocked vendors and vendors of nobody are refused."""
    vendor = await vendor_of(splitting, actor)
    open_purchase = await bought(splitting, actor, pays=False)
    with pytest.raises(InvalidState, match="PROCESSING"):
        await split_purchase(splitting, actor, open_purchase.uuid, {vendor: 100}, "s")
    await apply(splitting, payment_of(open_purchase))
    await update_vendor(splitting, actor, vendor, replace(SHARE, details=replace(DETAILS, is_blocked=True)))
    with pytest.raises(InvalidState, match="BLOCKED"):
        await split_purchase(splitting, actor, open_purchase.uuid, {vendor: 100}, "s")
    with pytest.raises(NotFound):
        await split_purchase(splitting, actor, open_purchase.uuid, {open_purchase.uuid: 100}, "s")
    await bought(splitting, actor, pays=False)
    assert [order.splits for order in splitter.orders] == [[], []]


async def test_a_vendor_is_followed_until_it_is_active(
    splitting: Coffer, splitter: Splitter, actor: Actor, clock: Clock
) -> None:
    """The same key gives the same vendor; while the provider checks it, Coffer asks."""
    splitter.standing = VendorStatus.PENDING
    assert await vendor_of(splitting, actor) == await vendor_of(splitting, actor)
    with pytest.raises(IdempotencyConflict):
        await vendor_of(splitting, actor, 1)
    clock.move(FOLLOW_UP_SECONDS)
    assert await drain(splitting) == ["vendor.follow retried"]
    splitter.standing = VendorStatus.ACTIVE
    clock.move(LONGEST_LATER_SECONDS)
    await drain(splitting)
    [row] = await list_vendors(splitting, actor, ALL)
    assert (row.status, row.label, len(splitter.vendors)) == (VendorStatus.ACTIVE, "…1191 YESB0000262", 1)


async def test_a_vendor_that_the_provider_blocks_gets_no_more_shares(
    splitting: Coffer, splitter: Splitter, actor: Actor
) -> None:
    """Its message is acted on at once, since an order with a share for a blocked vendor might be refused."""
    vendor = await vendor_of(splitting, actor, 2_000)
    splitter.standing = VendorStatus.BLOCKED
    messages = [Message("simulated", name, "T", EventKind.VENDOR.value, name, b"{}") for name in (vendor.hex, "other")]
    async with splitting.database.transaction() as session:
        job = (Queue.WEBHOOK_PROCESSING.value, "gateway.event")
        await event_queries.store(session, messages, job, splitting.clock())
    await drain(splitting)
    assert [row.status.name for row in await list_vendors(splitting, actor, ALL)] == ["BLOCKED"]
    await bought(splitting, actor, pays=False)
    assert splitter.orders[0].splits == []


async def test_a_provider_that_is_away_makes_no_vendor(splitting: Coffer, splitter: Splitter, actor: Actor) -> None:
    """Asked again under the same key it is made."""
    splitter.is_down = True
    with pytest.raises(PaymentFailed, match="down"):
        await vendor_of(splitting, actor)
    splitter.is_down = False
    await vendor_of(splitting, actor)
    assert [row.status.name for row in await list_vendors(splitting, actor, ALL)] == ["ACTIVE"]


def test_shares_are_never_more_than_the_amount() -> None:
    """Each is rounded down, and shares of more than the whole are none at all."""
    assert shares(15_001, [3_333, 3_333, 3_334]) == [4_999, 4_999, 5_001]
    assert shares(15_001, [6_000, 4_001]) == [0, 0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pan": "ABCDE12345"}, "pan"),
        ({"phone": "1"}, "phone"),
        ({"email": "nowhere"}, "email"),
        ({"account": BankDetails()}, "accountNumber"),
    ],
)
async def test_a_vendor_that_is_none_is_refused(
    splitting: Coffer, actor: Actor, changes: dict[str, object], field: str
) -> None:
    """The refusal names the field at fault."""
    with pytest.raises(InvalidInput) as refused:
        await create_vendor(
            splitting,
            actor,
            replace(SHARE, details=replace(DETAILS, **changes)),  # type: ignore[arg-type]
            "v",
        )
    assert refused.value.field == [field]
