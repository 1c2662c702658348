"""The simulated payment provider's side: its orders and the messages it sends. Coffer talks to it only over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
import orjson
from standardwebhooks import Webhook

from db import simulated as queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.jobs import Queue
from services.jobs import enqueue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import SimulatedOrder
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

DELIVERY_SECONDS: Final = 10.0
OPEN: Final = frozenset({"open", "pending", "failed"})
"""Statuses in which the buyer may still act on the page: a failed payment can be tried again there."""

ACTIONS: Final = {"pay": "paid", "fail": "failed", "pending": "pending"}
_EVENTS: Final = {"paid": "payment.succeeded", "failed": "payment.failed", "pending": "payment.pending"}


async def create_order(coffer: Coffer, values: Mapping[str, Any], delay_ms: int) -> SimulatedOrder:
    """Open an order, or find the one with this reference; it pays itself after the delay."""
    async with coffer.database.transaction() as session:
        order, created = await queries.add(session, {"id": f"sim_{uuid4().hex}", **values})
        if created:
            work = (Queue.PAYMENT_PROCESSING, "simulated.pay", {"order": order.id})
            await enqueue(coffer, session, work, delay_seconds=delay_ms / 1000)
    return order


async def read_order(coffer: Coffer, order_id: str) -> SimulatedOrder:
    """One order. NotFound."""
    async with coffer.database.reading() as session:
        order = await queries.get(session, order_id)
    if order is None:
        raise NotFound("No such order.")
    return order


async def act(coffer: Coffer, order_id: str, action: str, method: str) -> SimulatedOrder:
    """What the buyer chose on the page: pay, fail or pending. NotFound, InvalidInput, InvalidState."""
    if action not in ACTIONS:
        raise InvalidInput("The action is pay, fail or pending.")
    async with coffer.database.transaction() as session:
        order = await queries.lock(session, order_id)
        if order is None:
            raise NotFound("No such order.")
        if order.status not in OPEN:
            raise InvalidState(f"This order is {order.status}.")
        order.method = method or order.method
        await _decide(coffer, session, order, ACTIONS[action], "The buyer's bank declined the payment.")
    return order


async def refund_order(coffer: Coffer, order_id: str, reference: str, amount_minor: int) -> str:
    """Give back part of a paid order and tell the merchant; the same reference refunds once. NotFound, InvalidState."""
    refund_id = f"simref_{reference}"
    async with coffer.database.transaction() as session:
        order = await queries.lock(session, order_id)
        if order is None:
            raise NotFound("No such order.")
        if reference in order.refunds:
            return refund_id
        if (
            order.status not in {"paid", "partially_refunded"}
            or order.refunded_minor + amount_minor > order.amount_minor
        ):
            raise InvalidState("More than was paid can't be refunded.")
        order.refunded_minor += amount_minor
        order.refunds = {**order.refunds, reference: amount_minor}
        order.status = "refunded" if order.refunded_minor == order.amount_minor else "partially_refunded"
        await _announce(coffer, session, order, "refund.succeeded")
    return refund_id


def handlers(webhook_url: str, secret: str) -> dict[str, Handler]:
    """The provider's own background work: payments that take their time, and deliveries."""

    async def pay(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        async def effect(session: Session) -> None:
            order = await queries.lock(session, payload["order"])
            if order is not None and order.status == "open":
                status = "failed" if order.fails else "paid"
                await _decide(coffer, session, order, status, "The simulated payment failed, as asked.")

        return effect

    async def deliver(_coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        body = orjson.dumps(payload["body"])
        headers = signed_headers(secret, payload["id"], body)
        async with httpx.AsyncClient(timeout=DELIVERY_SECONDS, trust_env=False) as client:
            (await client.post(webhook_url, content=body, headers=headers)).raise_for_status()
        return _nothing

    return {"simulated.pay": pay, "simulated.deliver": deliver}


def signed_headers(secret: str, event_id: str, body: bytes, *, age_seconds: float = 0) -> dict[str, str]:
    """Standard Webhooks headers of a message that was sent `age_seconds` ago."""
    sent_at = datetime.now(UTC) - timedelta(seconds=age_seconds)
    signature = Webhook(secret.encode()).sign(event_id, sent_at, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }


async def _decide(coffer: Coffer, session: Session, order: SimulatedOrder, status: str, reason: str) -> None:
    order.status = status
    order.failure_reason = reason if status == "failed" else None
    await _announce(coffer, session, order, _EVENTS[status])


async def _announce(coffer: Coffer, session: Session, order: SimulatedOrder, kind: str) -> None:
    data = {"order_id": order.id, "reference": order.reference, "status": order.status}
    body = {"type": kind, "timestamp": coffer.clock().isoformat(), "data": data}
    work = {"id": f"msg_{uuid4().hex}", "body": body}
    await enqueue(coffer, session, (Queue.WEBHOOK_PROCESSING, "simulated.deliver", work))


async def _nothing(_session: Session) -> None:
    """A delivery changes nothing here."""
