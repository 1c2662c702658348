"""Subscriptions: a purchase for each payment of the provider, once and in any order, until they are cancelled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from db.models.jobs import Job
from db.reconcile import reconcile
from domain.errors import IdempotencyConflict, InvalidInput, InvalidState, NotFound
from domain.jobs import JobState
from domain.pages import Page
from domain.purchases import PurchaseStatus as S
from domain.subscriptions import BillingInterval, SubscriptionStatus, next_check
from gateways.base import ProviderSubscription
from services.jobs import list_jobs
from services.purchases import list_purchases, retry_purchase
from services.refunds import refund_purchase
from services.settlement import PaymentMismatch, apply_told
from services.subscriptions import (
    cancel_subscription,
    get_subscription,
    list_subscriptions,
    plan_checks,
    start_subscription,
    watch_subscription,
)
from services.wallets import get_wallet
from tests.builders import owner_of, wallet_with
from tests.services.test_settlement import apply, payment_of, request_for

if TYPE_CHECKING:
    from db.models.purchases import Purchase
    from db.models.subscriptions import CreditSubscription
    from domain.permissions import Actor
    from gateways.base import Payment
    from services.coffer import Coffer

PENDING, ACTIVE, PAST_DUE, CANCELLED = SubscriptionStatus
END = datetime(2027, 1, 15, tzinfo=UTC)


async def begun(coffer: Coffer, key: str = "buy") -> tuple[Actor, CreditSubscription, Purchase]:
    """A subscription whose first period nobody has paid; no provider runs in these tests."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    request = request_for(wallet.uuid, key, interval=BillingInterval.MONTH)
    return actor, *await start_subscription(coffer, actor, request)


def paid(first: Purchase, month: int = 0, status: S = S.SUCCESS, **changes: Any) -> Payment:  # noqa: ANN401 - any field
    """What the provider says of the payment of a month, the first being month 0."""
    words = {"order_id": f"in_{month}", "subscription_id": "sub_1", "renews": month > 0}
    words |= {"payment_id": f"pi_{month}" if status is S.SUCCESS else None}
    return payment_of(first, status, **words | changes)


async def balance(coffer: Coffer, actor: Actor, row: CreditSubscription) -> int:
    wallet = await get_wallet(coffer, actor, row.wallet_uuid)
    assert wallet is not None
    return wallet.available_credits


async def now(coffer: Coffer, actor: Actor, row: CreditSubscription) -> CreditSubscription:
    found = await get_subscription(coffer, actor, row.uuid)
    assert found is not None
    return found


async def tell(coffer: Coffer, first: Purchase, *payments: Payment, **changes: Any) -> str:  # noqa: ANN401 - any field
    """Apply what the provider says of the subscription."""
    told = replace(ProviderSubscription("sub_1", first.reference, ACTIVE, END), **changes)
    async with coffer.database.transaction() as session:
        return await apply_told(coffer, session, "simulated", told, payments)


async def kinds(coffer: Coffer, actor: Actor) -> list[str]:
    return [job.kind for job in await list_jobs(coffer, actor, None, Page(50, None))]


async def test_each_payment_grants_once(coffer: Coffer, database_url: str) -> None:
    """Three months, each told twice, are three purchases of 5,500 credits, and the books balance."""
    actor, row, first = await begun(coffer)
    words = [await apply(coffer, paid(first, month)) for month in (0, 1, 2) for _ in range(2)]
    assert words == ["granted", "known"] * 3
    assert await balance(coffer, actor, row) == 16_500
    bought = await list_purchases(coffer, actor, None, Page(10, None), row.uuid)
    assert [(one.status, one.payment_id) for one in bought] == [(S.SUCCESS, f"pi_{month}") for month in (2, 1, 0)]
    assert (await reconcile(database_url))["violations"] == 0


async def test_the_order_of_arrival_is_irrelevant(coffer: Coffer) -> None:
    """A renewal before the first payment, and the first invoice before its checkout, grant each period once."""
    actor, row, first = await begun(coffer)
    checkout = paid(first, order_id="cs_1")
    words = [await apply(coffer, payment) for payment in (paid(first, 1), paid(first), checkout)]
    assert words == ["granted", "granted", "known"]
    assert await balance(coffer, actor, row) == 11_000
    assert (await now(coffer, actor, row)).status is ACTIVE


async def test_the_same_renewal_at_once_grants_once(coffer: Coffer) -> None:
    """Five workers that hear of one renewal at the same moment make one purchase."""
    actor, row, first = await begun(coffer)
    words = await asyncio.gather(*(apply(coffer, paid(first, 1)) for _ in range(5)))
    assert sorted(words) == ["granted", *["known"] * 4]
    assert await balance(coffer, actor, row) == 5_500


async def test_a_declined_renewal_is_paid_later(coffer: Coffer) -> None:
    """A renewal that is declined is a failed purchase, which its later payment completes."""
    actor, row, first = await begun(coffer)
    words = [await apply(coffer, paid(first, 1, status)) for status in (S.PROCESSING, S.FAILED, S.FAILED, S.SUCCESS)]
    assert words == ["not paid yet", "failed", "too late", "granted"]
    assert await balance(coffer, actor, row) == 5_500


async def test_another_amount_grants_nothing(coffer: Coffer) -> None:
    """A renewal of another amount than was agreed stops its job, and leaves how the subscription stands to be known."""
    actor, row, first = await begun(coffer)
    with pytest.raises(PaymentMismatch, match="paid 100 INR"):
        await apply(coffer, paid(first, 1, total_minor=100))
    assert await tell(coffer, first, paid(first), paid(first, 1, total_minor=100)) == "subscription active"
    assert await balance(coffer, actor, row) == 5_500
    assert len(await list_purchases(coffer, actor, None, Page(10, None), row.uuid)) == 1


async def test_a_provider_without_the_subscription_is_not_ours(coffer: Coffer) -> None:
    """A subscription that names no purchase of ours, or one that was bought once, changes nothing."""
    _, _, first = await begun(coffer)
    assert await tell(coffer, first, reference="somebody else's") == "not ours"
    assert await tell(coffer, first) == "subscription active"
    assert await tell(coffer, first, subscription_id="sub_2") == "not ours"


async def test_what_the_provider_says_is_shown(coffer: Coffer) -> None:
    """Status and period follow the provider; what has ended stays so, whatever is heard later."""
    actor, row, first = await begun(coffer)
    seen = []
    for status in (PENDING, ACTIVE, PAST_DUE, PENDING, CANCELLED, ACTIVE):
        await tell(coffer, first, status=status)
        row = await now(coffer, actor, row)
        seen.append((row.status, row.paid_until, row.ended_at is not None))
    ended = (CANCELLED, END, True)
    assert seen == [(PENDING, END, False), (ACTIVE, END, False), *[(PAST_DUE, END, False)] * 2, ended, ended]


async def test_an_unpaid_checkout_ends_it(coffer: Coffer) -> None:
    """When nobody can pay for the first period any more the subscription is over; money that came anyway revives it."""
    actor, row, first = await begun(coffer)
    await apply(coffer, paid(first, status=S.FAILED, order_id="cs_1", subscription_id=None))
    assert (await now(coffer, actor, row)).status is CANCELLED
    assert await apply(coffer, paid(first)) == "granted"
    row = await now(coffer, actor, row)
    assert (row.status, row.subscription_id, row.ended_at) == (ACTIVE, "sub_1", None)


async def test_cancelling_asks_the_provider_once(coffer: Coffer) -> None:
    """A paid subscription is ended by a job; asking again asks for no second one."""
    actor, row, first = await begun(coffer)
    await apply(coffer, paid(first))
    for _ in range(2):
        row = await cancel_subscription(coffer, actor, row.uuid)
    assert (row.status, row.cancel_asked_at is not None) == (ACTIVE, True)
    assert (await kinds(coffer, actor)).count("subscription.cancel") == 1


async def test_what_is_paid_after_cancelling_is_ended_there(coffer: Coffer) -> None:
    """An unpaid subscription is cancelled at once; a payment that comes anyway grants, and ends it at the provider."""
    actor, row, first = await begun(coffer)
    assert (await cancel_subscription(coffer, actor, row.uuid)).status is CANCELLED
    assert "subscription.cancel" not in await kinds(coffer, actor)
    assert await apply(coffer, paid(first)) == "granted"
    assert "subscription.cancel" in await kinds(coffer, actor)
    assert (await balance(coffer, actor, row), (await now(coffer, actor, row)).status) == (5_500, CANCELLED)


async def test_a_renewal_is_refunded_like_any_purchase(coffer: Coffer) -> None:
    """Refunding one month takes that month's credits."""
    actor, row, first = await begun(coffer)
    for month in (0, 1):
        await apply(coffer, paid(first, month))
    [renewal, _] = await list_purchases(coffer, actor, None, Page(10, None), row.uuid)
    await refund_purchase(coffer, actor, renewal.uuid, None, "back")
    assert await balance(coffer, actor, row) == 5_500


async def test_a_declined_payment_is_not_retried_by_us(coffer: Coffer) -> None:
    """The provider tries again by itself: another order of ours would charge twice."""
    actor, _, first = await begun(coffer)
    await apply(coffer, paid(first, status=S.FAILED))
    with pytest.raises(InvalidState, match="startSubscription"):
        await retry_purchase(coffer, actor, first.uuid, "again")


async def test_a_key_begins_one_subscription(coffer: Coffer) -> None:
    """The same key gives the same subscription, and is refused for a purchase or another interval."""
    actor, row, first = await begun(coffer)
    request = request_for(row.wallet_uuid, interval=BillingInterval.MONTH)
    again = [await start_subscription(coffer, actor, request) for _ in range(2)]
    assert {(one.uuid, purchase.uuid) for one, purchase in again} == {(row.uuid, first.uuid)}
    with pytest.raises(IdempotencyConflict):
        await start_subscription(coffer, actor, replace(request, interval=BillingInterval.YEAR))
    listed = await list_subscriptions(coffer, actor, row.wallet_uuid, PENDING, Page(10, None))
    assert [one.uuid for one in listed] == [row.uuid]


async def test_a_provider_has_to_sell_subscriptions(coffer: Coffer) -> None:
    """A gateway without them is refused by name before anything is written."""

    class Plain:
        name = "plain"
        is_merchant_of_record = False

    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    gateways: Any = {"plain": Plain()}
    plain = replace(coffer, gateways=gateways)
    with pytest.raises(InvalidInput, match="plain has no subscriptions"):
        await start_subscription(plain, actor, request_for(wallet.uuid, interval=BillingInterval.MONTH))
    assert await list_purchases(coffer, actor, None, Page(10, None)) == []


async def test_another_project_sees_none(coffer: Coffer) -> None:
    """Neither reading nor cancelling finds another project's subscription."""
    _, row, _ = await begun(coffer)
    stranger = await owner_of(coffer, "another")
    assert await get_subscription(coffer, stranger, row.uuid) is None
    with pytest.raises(NotFound):
        await cancel_subscription(coffer, stranger, row.uuid)
    with pytest.raises(NotFound):
        await cancel_subscription(coffer, stranger, uuid4())


async def test_watchers_hear_of_changes(coffer: Coffer) -> None:
    """A stream gives the subscription now, and again when it was paid."""
    actor, row, first = await begun(coffer)
    stream = watch_subscription(coffer, actor, row.uuid)
    async with asyncio.timeout(10):
        assert (await anext(stream)).status is PENDING
        await apply(coffer, paid(first))
        assert (await anext(stream)).status is ACTIVE


async def test_running_subscriptions_are_asked_about(coffer: Coffer) -> None:
    """A payment asks for a check, and a day later a round does; none asks for what has ended."""
    actor, _, first = await begun(coffer)
    for month in (0, 1):
        await apply(coffer, paid(first, month))
    assert (await kinds(coffer, actor)).count("subscription.check") == 1
    await tell(coffer, first)
    async with coffer.database.transaction() as session:
        await session.execute(update(Job).values(state=JobState.DONE))
    later = replace(coffer, clock=lambda: coffer.clock() + timedelta(days=1, minutes=1))
    for round_ in (coffer, later, later):
        await plan_checks(round_)
    assert (await kinds(coffer, actor)).count("subscription.check") == 2
    await tell(coffer, first, status=CANCELLED)
    await plan_checks(replace(coffer, clock=lambda: END + timedelta(days=99)))
    assert (await kinds(coffer, actor)).count("subscription.check") == 2


@pytest.mark.parametrize(("paid_until", "hours"), [(None, 1), (-5, 1), (6, 7), (23.5, 24), (700, 24)])
def test_when_to_ask_again(paid_until: float | None, hours: float) -> None:
    """An hour after the period's end, but not before an hour from now and not later than a day."""
    until = None if paid_until is None else END + timedelta(hours=paid_until)
    assert next_check(until, END) == END + timedelta(hours=hours)
