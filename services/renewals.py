"""What a provider says of a subscription, brought to its rows: a purchase for each payment, and how it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from db import purchases as purchase_queries
from db import subscriptions as queries
from db.models.purchases import Purchase
from db.models.subscriptions import CreditSubscription
from domain.errors import InvalidInput
from domain.jobs import Queue
from domain.purchases import PurchaseStatus
from domain.subscriptions import RUNNING, SubscriptionStatus, next_check
from gateways.base import GatewayUnavailable, sells_subscriptions
from live import topics
from services.jobs import enqueue
from services.notifications import notify_end

if TYPE_CHECKING:
    from uuid import UUID

    from db.database import Session
    from domain.subscriptions import BillingInterval
    from gateways.base import Payment, ProviderSubscription, SubscribingGateway
    from services.coffer import Coffer

CHECK_AGAIN: Final = timedelta(hours=1)
"""When a check is planned again whose job came to nothing."""

_TELLING: Final = frozenset({PurchaseStatus.SUCCESS, PurchaseStatus.FAILED})
REPEATED: Final = (
    *("project_id", "wallet_id", "wallet_uuid", "gateway"),
    *("amount_minor", "gst_minor", "platform_fee_minor", "credits", "bonus_credits", "currency"),
)
"""What every purchase of a subscription has from the first one."""


def subscribing(coffer: Coffer, gateway: str) -> SubscribingGateway:
    """The provider of a subscription. GatewayUnavailable when it is not configured any more."""
    found = coffer.gateway(gateway)
    if not sells_subscriptions(found):
        raise GatewayUnavailable(f"The gateway {gateway!r} has no subscriptions.")
    return found


def check_interval(coffer: Coffer, gateway: str, interval: BillingInterval) -> None:
    """Raise InvalidInput unless the gateway charges buyers again at that interval."""
    found = coffer.gateways[gateway]
    if not sells_subscriptions(found):
        raise InvalidInput(f"{gateway} has no subscriptions: see docs/subscriptions.md.", field=["gateway"])
    if interval not in found.intervals:
        message = f"{gateway} has no product for {interval.name}: see docs/subscriptions.md."
        raise InvalidInput(message, field=["interval"])


async def begin_subscription(session: Session, first: Purchase, interval: BillingInterval) -> None:
    """Write the subscription that a new purchase begins."""
    repeated = {name: getattr(first, name) for name in REPEATED}
    row = CreditSubscription(uuid=uuid4(), status=SubscriptionStatus.PENDING, interval=interval, **repeated)
    row.first_purchase_uuid = first.uuid
    await queries.add(session, row)
    first.subscription_row_id, first.subscription_uuid = row.id, row.uuid
    await session.flush()


async def renewal_of(session: Session, first: Purchase, payment: Payment) -> Purchase | None:
    """The purchase of a later payment, made when it is first heard of; None before it was paid or declined.

    The first purchase is locked, so that no two are made for one payment.
    """
    known = await purchase_queries.by_order(session, first.gateway, payment.order_id)
    if known is not None:
        return await purchase_queries.lock(session, known.uuid)
    if payment.status not in _TELLING or first.subscription_row_id is None:
        return None
    repeated = {name: getattr(first, name) for name in (*REPEATED, "method")}
    made = Purchase(uuid=uuid4(), status=PurchaseStatus.PROCESSING, attempt=1, refunded_minor=0, **repeated)
    made.subscription_row_id, made.subscription_uuid = first.subscription_row_id, first.subscription_uuid
    made.idempotency_key, made.order_id = f"renewal:{payment.order_id}", payment.order_id
    made.simulate_failure = made.saves_method = False
    session.add(made)
    await session.flush()
    await purchase_queries.add_order(session, made, payment.order_id)
    return made


async def note_payment(coffer: Coffer, session: Session, purchase: Purchase, payment: Payment) -> None:
    """Bring a subscription to what a payment of it says; how else it stands is asked then."""
    row = purchase.subscription_uuid and await queries.lock(session, purchase.subscription_uuid)
    if not row:
        return
    was, is_new = row.status, row.subscription_id is None
    row.subscription_id = row.subscription_id or payment.subscription_id
    if payment.status is PurchaseStatus.SUCCESS and row.cancel_asked_at is not None:
        await ask_to_cancel(coffer, session, row)
    elif payment.status is PurchaseStatus.SUCCESS and (is_new or row.status is SubscriptionStatus.PENDING):
        row.status, row.ended_at = SubscriptionStatus.ACTIVE, None
    elif is_new and payment.is_final:
        # Nobody paid for the first period, and nobody can any more.
        row.status = SubscriptionStatus.CANCELLED
    await end(coffer, session, row, was)
    await ask_to_check(coffer, session, row)
    await changed(coffer, session, row)


async def apply_subscription(coffer: Coffer, session: Session, told: ProviderSubscription, uuid: UUID) -> str:
    """Bring a subscription to what its provider says; the word says what it is now. What has ended stays so."""
    row = await queries.lock(session, uuid)
    if row is None or row.subscription_id not in {None, told.subscription_id}:
        return "not ours"
    was, now = row.status, coffer.clock()
    has_ended = was is SubscriptionStatus.CANCELLED and row.subscription_id is not None
    row.subscription_id = told.subscription_id
    if not has_ended:
        # Read before the payment and applied after it, PENDING is no news.
        row.status = row.status if told.status is SubscriptionStatus.PENDING else told.status
        row.paid_until, row.ends_at = told.paid_until, told.ends_at
    row.check_at = next_check(told.paid_until, now) if row.status in RUNNING else None
    await end(coffer, session, row, was)
    await changed(coffer, session, row)
    return f"subscription {row.status.name.lower()}"


async def end(coffer: Coffer, session: Session, row: CreditSubscription, was: SubscriptionStatus) -> None:
    """Note when a subscription that is CANCELLED now ended, and have its owner told of that."""
    if row.status is SubscriptionStatus.CANCELLED:
        row.ended_at = row.ended_at or coffer.clock()
        if was is not SubscriptionStatus.CANCELLED:
            await notify_end(coffer, session, row, was)


async def ask_to_check(coffer: Coffer, session: Session, row: CreditSubscription) -> None:
    """Have the provider asked how a subscription stands: now, and again if the job comes to nothing."""
    row.check_at = coffer.clock() + CHECK_AGAIN
    payload = {"subscription": row.uuid.hex, "project_id": row.project_id}
    work = (Queue.PAYMENT_PROCESSING, "subscription.check", payload)
    await enqueue(coffer, session, work, key=f"subscription:{row.uuid}")


async def ask_to_cancel(coffer: Coffer, session: Session, row: CreditSubscription) -> None:
    """Have a subscription ended at its provider."""
    payload = {"subscription": row.uuid.hex, "project_id": row.project_id}
    await enqueue(coffer, session, (Queue.PAYMENT_PROCESSING, "subscription.cancel", payload))


async def changed(coffer: Coffer, session: Session, row: CreditSubscription) -> None:
    """Write a subscription, and tell its watchers after the commit."""
    await queries.touch(session, row)
    topic = topics.subscription(row.uuid)
    session.after_commit(lambda: coffer.hub.publish(topic, b"changed"))
