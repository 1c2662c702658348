"""What a provider's message does to a purchase: ask the provider, compare, then grant once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from db import events as event_queries
from db import ledger
from db import purchases as queries
from db import subscriptions as subscription_queries
from db import wallets as wallet_queries
from domain.happenings import Happening
from domain.ledger import ROUTES, SYSTEM_KEY, TransactionSource, TransactionType
from domain.purchases import TRANSITIONS, PurchaseStatus
from gateways.base import EventKind, GatewayUnavailable
from services import mandates, payouts, vendors
from services.clawbacks import source_of
from services.grants import post
from services.happenings import happened
from services.jobs import RetryLater, enqueue, nothing
from services.purchases import FOLLOW_UP_SECONDS, changed, follow_up_work, open_order
from services.renewals import apply_subscription, note_payment, renewal_of, subscribing
from services.reversals import apply_reversals, read_reversals
from services.saved_methods import keep_method
from services.surplus import return_surplus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.ledger import Wallet
    from db.models.purchases import Purchase
    from gateways.base import Payment, ProviderSubscription
    from services.coffer import Coffer
    from services.jobs import Effect

_OTHERS: Final = {
    EventKind.PAYOUT: payouts.act_on_event,
    EventKind.MANDATE: mandates.act_on_event,
    EventKind.VENDOR: vendors.act_on_event,
}
"""What is about no purchase."""

OPEN: Final = frozenset({PurchaseStatus.PROCESSING, PurchaseStatus.PENDING})
FIRST_ATTEMPT: Final = 1
PLAIN: Final = {
    PurchaseStatus.SUCCESS: "granted",
    PurchaseStatus.FAILED: "failed",
    PurchaseStatus.PENDING: "pending",
}
"""What is said of purchases that many messages bring to a status at once."""

_log: Final = structlog.get_logger()


class PaymentMismatch(Exception):
    """The provider's payment is not the one we asked for; somebody has to look, so the job ends up dead and visible."""


async def handle_gateway_event(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `gateway.event`: act on a stored webhook. The message is only a hint; the provider's answer decides."""
    async with coffer.database.reading() as session:
        event = await event_queries.get(session, payload["event"])
    if event is None:
        return nothing
    if event.order_id is None or event.kind == EventKind.OTHER:
        return _verdict(event, "ignored")
    if event.kind == EventKind.SUBSCRIPTION:
        return await _act_on_subscription(coffer, event)
    if event.kind in _OTHERS:
        return await _OTHERS[EventKind(event.kind)](coffer, event)
    if event.kind != EventKind.PAYMENT:
        return await _act_on_reversals(coffer, event)
    payment = await coffer.gateway(event.gateway).fetch_payment(event.order_id)
    if event.project_id is None:
        await _find_project(coffer, event, payment.reference)

    async def effect(session: Session) -> None:
        word = await apply_payment(coffer, session, event.gateway, payment)
        await _verdict(event, word)(session)

    return effect


async def _find_project(coffer: Coffer, event: GatewayEvent, reference: str) -> None:
    """Note whose message it is that came before its order was known here, so that its owners see it if it dies."""
    ours = parse_reference(reference)
    async with coffer.database.transaction() as session:
        purchase = ours and await queries.by_uuid(session, ours[0])
        if purchase:
            await event_queries.belongs_to(session, event, purchase.project_id)


async def _act_on_reversals(coffer: Coffer, event: GatewayEvent) -> Effect:
    found = await read_reversals(coffer, event)
    if found is None:
        return _verdict(event, "not ours")
    purchase, reversals = found

    async def effect(session: Session) -> None:
        word = await apply_reversals(coffer, session, purchase.uuid, reversals)
        await _verdict(event, word)(session)

    return effect


async def _act_on_subscription(coffer: Coffer, event: GatewayEvent) -> Effect:
    told, payments = await read_subscription(coffer, event.gateway, event.order_id or "")
    if event.project_id is None:
        await _find_project(coffer, event, told.reference)

    async def effect(session: Session) -> None:
        word = await apply_told(coffer, session, event.gateway, told, payments)
        await _verdict(event, word)(session)

    return effect


async def read_subscription(
    coffer: Coffer, gateway: str, subscription_id: str
) -> tuple[ProviderSubscription, Sequence[Payment]]:
    """How a subscription stands at its provider, and its payments that are not settled here."""
    provider = subscribing(coffer, gateway)
    told = await provider.fetch_subscription(subscription_id)
    async with coffer.database.reading() as session:
        settled = await subscription_queries.settled_orders(session, gateway, told.order_ids)
    return told, [await provider.fetch_payment(one) for one in told.order_ids if one not in settled]


async def apply_told(
    coffer: Coffer, session: Session, gateway: str, told: ProviderSubscription, payments: Sequence[Payment]
) -> str:
    """Bring a subscription and its payments to what the provider says; the word says what the subscription is now."""
    ours = parse_reference(told.reference)
    first = await queries.lock(session, ours[0]) if ours else None
    if first is None or first.gateway != gateway or first.subscription_uuid is None:
        return "not ours"
    for payment in payments:
        try:
            async with session.begin_nested():
                await apply_payment(coffer, session, gateway, payment)
        except PaymentMismatch:
            # Its own message ends up dead and visible; how the subscription stands is to be known all the same.
            _log.warning("subscription.another_amount", subscription=first.subscription_uuid.hex, exc_info=True)
    return await apply_subscription(coffer, session, told, first.subscription_uuid)


async def follow_up(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `purchase.follow_up`: ask about an attempt whose webhook has not come, until its order can't be paid."""
    async with coffer.database.reading() as session:
        purchase = await queries.by_uuid(session, UUID(payload["purchase"]))
    order_id: str | None = payload.get("order")
    if purchase is None or not (order_id or _is_followed(purchase, payload["attempt"])):
        return nothing
    if order_id is None and purchase.order_id is None:
        purchase = await open_order(coffer, purchase)
    order_id = order_id or purchase.order_id
    if order_id is None:
        raise GatewayUnavailable("The order could not be opened yet.")
    payment = await coffer.gateway(purchase.gateway).fetch_payment(order_id)
    if payment.status in OPEN or not payment.is_final:
        if payment.status is not purchase.status:
            async with coffer.database.transaction() as session:
                await apply_payment(coffer, session, purchase.gateway, payment)
        raise RetryLater(f"The payment is {payment.status.name}.")

    async def effect(session: Session) -> None:
        await apply_payment(coffer, session, purchase.gateway, payment)

    return effect


async def apply_payment(coffer: Coffer, session: Session, gateway: str, payment: Payment) -> str:
    """Bring a purchase to what its gateway says, in any order of arrival; the word says what was done."""
    ours = parse_reference(payment.reference)
    purchase = await queries.lock(session, ours[0]) if ours else None
    if ours is None or purchase is None or purchase.gateway != gateway:
        return "not ours"
    attempt = ours[1]
    if payment.renews:
        purchase, attempt = await renewal_of(session, purchase, payment), FIRST_ATTEMPT
    if purchase is None:
        return "not paid yet"
    if payment.status is PurchaseStatus.SUCCESS:
        return await _succeed(coffer, session, purchase, payment)
    if attempt != purchase.attempt or payment.status not in TRANSITIONS[purchase.status]:
        return "too late"
    purchase.status, purchase.failure_reason = payment.status, payment.failure_reason
    await changed(coffer, session, purchase)
    if payment.status is PurchaseStatus.FAILED:
        await note_payment(coffer, session, purchase, payment)
        await happened(coffer, session, Happening.PURCHASE_FAILED, purchase)
    return payment.status.name.lower()


async def _succeed(coffer: Coffer, session: Session, purchase: Purchase, payment: Payment) -> str:
    """Mark a purchase as paid, once; what comes after that goes back."""
    if PurchaseStatus.SUCCESS not in TRANSITIONS[purchase.status]:
        return await _paid_again(coffer, session, purchase, payment)
    if not is_asked_amount(purchase, payment):
        asked = f"{purchase.quote.total_minor} {purchase.currency}"
        raise PaymentMismatch(f"Asked for {asked}, paid {payment.total_minor} {payment.currency}.")
    await _grant(coffer, session, purchase)
    if purchase.order_id != payment.order_id:
        await queries.add_order(session, purchase, payment.order_id)
    await keep_method(session, purchase, payment)
    if purchase.order_id not in {None, payment.order_id} and purchase.subscription_row_id is None:
        # Another attempt was under way, and its order can still be paid.
        work = follow_up_work(purchase, purchase.order_id)
        await enqueue(coffer, session, work, delay_seconds=FOLLOW_UP_SECONDS)
    purchase.status, purchase.payment_id = PurchaseStatus.SUCCESS, payment.payment_id
    purchase.failure_reason, purchase.order_id, purchase.card = None, payment.order_id, payment.card
    await changed(coffer, session, purchase)
    await note_payment(coffer, session, purchase, payment)
    await happened(coffer, session, Happening.PURCHASE_SUCCEEDED, purchase)
    return "granted"


async def _paid_again(coffer: Coffer, session: Session, purchase: Purchase, payment: Payment) -> str:
    """What a payment of a purchase that is paid already does: nothing when it is the same, else it goes back."""
    if purchase.payment_id != payment.payment_id:
        return await return_surplus(coffer, session, purchase, payment)
    if purchase.subscription_row_id is not None:
        # A checkout and its first invoice are two orders of one payment.
        await queries.add_order(session, purchase, payment.order_id)
    return "known"


def is_asked_amount(purchase: Purchase, payment: Payment) -> bool:
    """Whether the payment is of the purchase's total, to the paisa."""
    return (payment.total_minor, payment.currency) == (purchase.quote.total_minor, purchase.currency)


def plain_word(purchase: Purchase | None, gateway: str, payment: Payment, attempt: int) -> str | None:
    """What `apply_payment` would say where that is plain: no more than a PLAIN status, or nothing at all. Else None."""
    if purchase is None or purchase.gateway != gateway:
        return "not ours"
    if payment.renews or payment.subscription_id is not None or purchase.subscription_row_id is not None:
        return None
    is_open = payment.status in TRANSITIONS[purchase.status]
    if payment.status is not PurchaseStatus.SUCCESS:
        if attempt != purchase.attempt or not is_open:
            return "too late"
        return PLAIN.get(payment.status) if purchase.recharge_id is None else None
    if not is_open:
        return "known" if purchase.payment_id == payment.payment_id else None
    alone = payment.saved is None and purchase.recharge_id is None
    same = purchase.order_id == payment.order_id
    return PLAIN[payment.status] if alone and same and is_asked_amount(purchase, payment) else None


async def _grant(coffer: Coffer, session: Session, purchase: Purchase) -> None:
    wallet = await wallet_queries.read(session, purchase.wallet_id)
    for movement in movements_of(purchase, wallet):
        await post(coffer, session, movement)


def movements_of(purchase: Purchase, wallet: Wallet) -> list[ledger.Movement]:
    """What gives the credits of a paid purchase, bonus apart from what was bought."""
    bought = {TransactionType.CREDIT_PURCHASE: purchase.credits - purchase.bonus_credits}
    bonus = {TransactionType.BONUS_CREDIT: purchase.bonus_credits} if purchase.bonus_credits else {}
    return [
        ledger.Movement(
            wallet=wallet,
            type=kind,
            source=TransactionSource.PURCHASE,
            route=ROUTES[kind],
            amount=amount,
            key=f"purchase:{purchase.uuid}:{kind.name.lower()}",
            key_space=SYSTEM_KEY,
            source_id=source_of(purchase),
        )
        for kind, amount in (bought | bonus).items()
    ]


def _is_followed(purchase: Purchase, attempt: int) -> bool:
    """Whether money may still come for the current attempt; an order that was opened can be paid after a failure."""
    is_open = purchase.status in OPEN or (purchase.status is PurchaseStatus.FAILED and purchase.order_id is not None)
    return is_open and purchase.attempt == attempt


def _verdict(event: GatewayEvent, word: str) -> Effect:
    async def effect(session: Session) -> None:
        await event_queries.mark(session, event, word)

    return effect


def parse_reference(reference: str) -> tuple[UUID, int] | None:
    """The purchase and attempt that a reference names, or None when it is not one of ours."""
    uuid, _, attempt = reference.partition("-")
    try:
        return UUID(uuid), int(attempt)
    except ValueError:
        return None
