"""The simulated payment provider's side: its orders and the messages it sends. Coffer talks to it only over HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
import orjson
from standardwebhooks import Webhook

from db import simulated as queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.inputs import check_text
from domain.jobs import Queue
from domain.limits import MAX_AMOUNT_MINOR
from domain.purchases import CURRENCY, PaymentMethod
from gateways.calls import trusted
from services.jobs import enqueue
from services.simulated_movements import note_payment, note_refund

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import SimulatedOrder
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

DELIVERY_SECONDS: Final = 10.0
MAX_TOTAL_MINOR: Final = 2 * MAX_AMOUNT_MINOR
"""Paise of one order: the largest purchase with tax and fee on top is well within."""

OPEN: Final = frozenset({"open", "pending", "failed"})
"""Statuses in which the buyer may still act on the page: a failed payment can be tried again there."""

ACTIONS: Final = {"pay": "paid", "fail": "failed", "pending": "pending"}
PERIODS: Final = {"month": timedelta(days=30), "year": timedelta(days=365)}
"""How long an order of a subscription is good for; a simulated month has 30 days."""

_EVENTS: Final = {"paid": "payment.succeeded", "failed": "payment.failed", "pending": "payment.pending"}


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a merchant asks the buyer to pay, in minor units; the reference is the merchant's own id of it."""

    reference: str
    amount_minor: int
    currency: str
    method: str
    fails: bool
    saves_method: bool = False
    renews: str | None = None


async def create_order(coffer: Coffer, wanted: NewOrder, delay_ms: int) -> SimulatedOrder:
    """Open an order, which pays itself after the delay; or find the one with this reference.

    InvalidInput; InvalidState when the reference is that of another order.
    """
    check(wanted)
    async with coffer.database.transaction() as session:
        order, created = await queries.add(session, {"id": f"sim_{uuid4().hex}", "status": "open", **asdict(wanted)})
        if created:
            work = (Queue.PAYMENT_PROCESSING, "simulated.pay", {"order": order.id})
            await enqueue(coffer, session, work, delay_seconds=delay_ms / 1000)
        elif (order.amount_minor, order.currency) != (wanted.amount_minor, wanted.currency):
            raise InvalidState("This reference is that of another order.")
    return order


async def read_order(coffer: Coffer, order_id: str) -> SimulatedOrder:
    """Find an order. NotFound."""
    async with coffer.database.reading() as session:
        order = await queries.get(session, order_id)
    if order is None:
        raise NotFound("No such order.")
    return order


async def act(coffer: Coffer, order_id: str, action: str, method: str) -> None:
    """Do what the buyer chose on the page: pay, fail or pending. NotFound, InvalidInput, InvalidState."""
    if action not in ACTIONS or method not in PaymentMethod.__members__:
        raise InvalidInput("Choose a method, and whether to pay, fail or leave it pending.")
    async with coffer.database.transaction() as session:
        order = await locked(session, order_id)
        if order.status not in OPEN:
            raise InvalidState(f"This order is {order.status}.")
        order.method = method
        await decide(coffer, session, order, ACTIONS[action], "The bank declined the payment.")


def reversals(order: SimulatedOrder) -> dict[str, list[dict[str, object]]]:
    """The order's refunds and disputes."""
    refunds = [_refund(order, reference, amount) for reference, amount in order.refunds.items()]
    dispute: dict[str, object] = {"id": f"simdis_{order.id}", "status": order.dispute}
    dispute |= {"amount_minor": order.amount_minor - order.refunded_minor, "currency": order.currency}
    return {"refunds": refunds, "disputes": [dispute] if order.dispute else []}


async def refund_order(coffer: Coffer, order_id: str, reference: str, amount_minor: int) -> dict[str, object]:
    """Give back part of a paid order and tell the merchant; the same reference refunds once.

    NotFound, InvalidInput, InvalidState.
    """
    check_text(reference, "reference")
    async with coffer.database.transaction() as session:
        order = await locked(session, order_id)
        known = order.refunds.get(reference)
        if known not in {None, amount_minor}:
            raise InvalidState("This reference is that of another refund.")
        if known is None:
            _take_back(order, reference, amount_minor)
            await note_refund(session, order, reference, coffer.clock())
            await announce(coffer, session, order, "refund.succeeded")
    return _refund(order, reference, amount_minor)


def handlers(webhook_url: str, secret: str) -> dict[str, Handler]:
    """Make the provider's own background work: payments that take their time, and deliveries."""
    # No connection is kept, so there is nothing to close; one client serves all messages.
    client = httpx.AsyncClient(
        timeout=DELIVERY_SECONDS,
        verify=trusted(),
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )

    async def pay(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        async def effect(session: Session) -> None:
            order = await locked(session, payload["order"])
            is_announced = order.charges is not None and order.status == "pending"
            if order.status == "open" or is_announced:
                status = "failed" if order.fails else "paid"
                await decide(coffer, session, order, status, "The simulated payment failed, as asked.")

        return effect

    async def deliver(_coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        body = orjson.dumps(payload["body"])
        answer = await client.post(webhook_url, content=body, headers=signed_headers(secret, payload["id"], body))
        answer.raise_for_status()
        return _nothing

    return {"simulated.pay": pay, "simulated.deliver": deliver}


def signed_headers(secret: str, event_id: str, body: bytes, *, age_seconds: float = 0) -> dict[str, str]:
    """Make the Standard Webhooks headers of a message that is sent now, or was `age_seconds` ago."""
    sent_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
    signature = Webhook(secret.encode()).sign(event_id, sent_at, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }


def check(wanted: NewOrder) -> None:
    """Raise InvalidInput unless an order can be opened."""
    check_text(wanted.reference, "reference")
    if not 1 <= wanted.amount_minor <= MAX_TOTAL_MINOR:
        raise InvalidInput(f"amount_minor is 1 to {MAX_TOTAL_MINOR}.")
    if wanted.currency != CURRENCY:
        raise InvalidInput(f"currency is {CURRENCY}.")
    if wanted.method not in PaymentMethod.__members__:
        raise InvalidInput(f"method is one of {', '.join(PaymentMethod.__members__)}.")
    if wanted.renews not in {None, *PERIODS}:
        raise InvalidInput(f"renews is one of {', '.join(PERIODS)}.")


def _refund(order: SimulatedOrder, reference: str, amount_minor: int) -> dict[str, object]:
    return {
        "id": f"simref_{reference}",
        "reference": reference,
        "amount_minor": amount_minor,
        "currency": order.currency,
    }


def _take_back(order: SimulatedOrder, reference: str, amount_minor: int) -> None:
    left = order.amount_minor - order.refunded_minor
    if order.status not in {"paid", "partially_refunded"}:
        raise InvalidState(f"This order is {order.status}: only a paid one can be refunded.")
    if not 1 <= amount_minor <= left:
        raise InvalidInput(f"Refund 1 to {left}.")
    order.refunded_minor += amount_minor
    order.refunds = {**order.refunds, reference: amount_minor}
    order.status = "refunded" if amount_minor == left else "partially_refunded"


async def locked(session: Session, order_id: str) -> SimulatedOrder:
    """An order, locked until the end of the transaction. NotFound."""
    order = await queries.lock(session, order_id)
    if order is None:
        raise NotFound("No such order.")
    return order


async def decide(coffer: Coffer, session: Session, order: SimulatedOrder, status: str, reason: str) -> None:
    """Settle an order that the caller has locked, and tell the merchant."""
    order.status = status
    order.failure_reason = reason if status == "failed" else None
    await announce(coffer, session, order, _EVENTS[status])
    if status == "paid":
        await note_payment(session, order, coffer.clock())
        if order.renews in PERIODS:
            await renew_later(coffer, session, order)


async def renew_later(coffer: Coffer, session: Session, order: SimulatedOrder) -> None:
    """Have the first order of a subscription renewed at the end of its period."""
    work = (Queue.PAYMENT_PROCESSING, "simulated.renew", {"order": order.id})
    await enqueue(coffer, session, work, delay_seconds=PERIODS[order.renews or ""].total_seconds())


async def announce(coffer: Coffer, session: Session, order: SimulatedOrder, kind: str) -> None:
    """Send an event in the transaction of what it tells; its id stays the same over every delivery."""
    order.updated_at = coffer.clock()
    data = {"order_id": order.id, "reference": order.reference, "status": order.status}
    body = {"type": kind, "timestamp": order.updated_at.isoformat(), "data": data}
    work = {"id": f"msg_{uuid4().hex}", "body": body}
    await enqueue(coffer, session, (Queue.WEBHOOK_PROCESSING, "simulated.deliver", work))


async def _nothing(_session: Session) -> None:
    """Change nothing: a delivery leaves no trace here."""
