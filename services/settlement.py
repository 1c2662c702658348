"""What a provider's message does to a purchase: ask the provider, compare, then grant once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from db import ledger
from db import purchases as queries
from db import wallets as wallet_queries
from domain.ledger import ROUTES, SYSTEM_KEY, TransactionSource, TransactionType
from domain.purchases import TRANSITIONS, PurchaseStatus
from gateways.base import GatewayUnavailable
from services.grants import post
from services.jobs import RetryLater
from services.purchases import changed, open_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import GatewayEvent, Purchase
    from gateways.base import Payment
    from services.coffer import Coffer
    from services.jobs import Effect

REFUND_EVENTS: Final = frozenset({"refund.succeeded"})
OPEN: Final = frozenset({PurchaseStatus.PROCESSING, PurchaseStatus.PENDING})


class PaymentMismatch(Exception):
    """The provider's payment is not the one we asked for; somebody has to look, so the job ends up dead and visible."""


async def handle_gateway_event(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `gateway.event`: act on a stored webhook. The message is only a hint; the provider's answer decides."""
    async with coffer.database.reading() as session:
        event = await queries.gateway_event(session, payload["event"])
    if event is None:
        return _nothing
    order_id = event.order_id
    if order_id is None:
        return _verdict(event, "ignored")
    payment = await coffer.gateways[event.gateway].fetch_payment(order_id)
    if event.type in REFUND_EVENTS:
        return _verdict(event, "refund noted")

    async def effect(session: Session) -> None:
        word = await apply_payment(coffer, session, payment)
        await _verdict(event, word)(session)

    return effect


async def follow_up(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `purchase.follow_up`: ask about an attempt whose webhook has not come, until it is decided."""
    async with coffer.database.reading() as session:
        purchase = await queries.by_uuid(session, UUID(payload["purchase"]))
    if purchase is None or purchase.attempt != payload["attempt"] or purchase.status not in OPEN:
        return _nothing
    if purchase.order_id is None:
        purchase = await open_order(coffer, purchase)
    if purchase.order_id is None:
        raise GatewayUnavailable("The order could not be opened yet.")
    payment = await coffer.gateways[purchase.gateway].fetch_payment(purchase.order_id)
    if payment.status in OPEN:
        if payment.status is not purchase.status:
            async with coffer.database.transaction() as session:
                await apply_payment(coffer, session, payment)
        raise RetryLater(f"The payment is {payment.status.name}.")

    async def effect(session: Session) -> None:
        await apply_payment(coffer, session, payment)

    return effect


async def apply_payment(coffer: Coffer, session: Session, payment: Payment) -> str:
    """Bring a purchase to what the provider says, in any order of arrival; the word says what was done."""
    ours = _parse_reference(payment.reference)
    purchase = await queries.lock(session, ours[0]) if ours else None
    if ours is None or purchase is None:
        return "not ours"
    if payment.status is PurchaseStatus.SUCCESS:
        return await _succeed(coffer, session, purchase, payment)
    if ours[1] != purchase.attempt or payment.status not in TRANSITIONS[purchase.status]:
        return "too late"
    purchase.status, purchase.failure_reason = payment.status, payment.failure_reason
    await changed(coffer, session, purchase)
    return payment.status.name.lower()


async def _succeed(coffer: Coffer, session: Session, purchase: Purchase, payment: Payment) -> str:
    """Grant the credits of a paid purchase, once; bonus apart from what was bought."""
    if (payment.total_minor, payment.currency) != (purchase.quote.total_minor, purchase.currency):
        asked = f"{purchase.quote.total_minor} {purchase.currency}"
        raise PaymentMismatch(f"Asked for {asked}, paid {payment.total_minor} {payment.currency}.")
    if PurchaseStatus.SUCCESS not in TRANSITIONS[purchase.status]:
        if purchase.payment_id == payment.payment_id:
            return "known"
        raise PaymentMismatch(f"Purchase {purchase.uuid} was paid twice: refund payment {payment.payment_id}.")
    wallet = await wallet_queries.read(session, purchase.wallet_id)
    bought = {TransactionType.CREDIT_PURCHASE: purchase.credits - purchase.bonus_credits}
    bonus = {TransactionType.BONUS_CREDIT: purchase.bonus_credits} if purchase.bonus_credits else {}
    for kind, amount in (bought | bonus).items():
        movement = ledger.Movement(
            wallet=wallet,
            type=kind,
            source=TransactionSource.PURCHASE,
            route=ROUTES[kind],
            amount=amount,
            key=f"purchase:{purchase.uuid}:{kind.name.lower()}",
            key_space=SYSTEM_KEY,
            source_id=f"pur_{purchase.uuid.hex}",
        )
        await post(coffer, session, movement)
    purchase.status, purchase.payment_id = PurchaseStatus.SUCCESS, payment.payment_id
    purchase.failure_reason, purchase.order_id = None, payment.order_id
    await changed(coffer, session, purchase)
    return "granted"


def _verdict(event: GatewayEvent, word: str) -> Effect:
    async def effect(session: Session) -> None:
        await queries.mark_event(session, event.id, word)

    return effect


async def _nothing(_session: Session) -> None:
    """The effect of a job that has nothing left to do."""


def _parse_reference(reference: str) -> tuple[UUID, int] | None:
    """The purchase and attempt that a reference names, or None when it is not one of ours."""
    uuid, _, attempt = reference.partition("-")
    try:
        return UUID(uuid), int(attempt)
    except ValueError:
        return None
