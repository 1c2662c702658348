"""Payments too many: a purchase that is paid twice gets its credits once, and the second payment goes back whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from db import refunds as queries
from domain.jobs import Queue
from domain.refunds import RefundStatus
from gateways.base import RefundRequest
from services.jobs import RetryLater, enqueue, nothing
from services.split_refunds import parts_of_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import Purchase
    from gateways.base import Payment
    from services.coffer import Coffer
    from services.jobs import Effect

LONGEST_WAIT_SECONDS = 6 * 3600.0


async def return_surplus(coffer: Coffer, session: Session, purchase: Purchase, payment: Payment) -> str:
    """Have a payment refunded whose purchase another one has paid; it moved no credits, so none are taken."""
    names = ("order_id", "payment_id", "total_minor", "currency")
    values = {name: getattr(payment, name) for name in names}
    surplus = await queries.add_surplus(session, purchase, values)
    if surplus is None:
        return "known"
    payload = {"surplus": surplus, "project_id": purchase.project_id}
    await enqueue(coffer, session, (Queue.REFUND_PROCESSING, "refund.surplus", payload))
    return "paid twice: refunded"


async def refund_surplus(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `refund.surplus`: send a payment back and see it through. A refusal leaves the job dead, to be looked at."""
    async with coffer.database.reading() as session:
        found = await queries.surplus(session, payload["surplus"])
        if found is None or found.completed_at is not None:
            return nothing
        parts = await parts_of_order(session, found.purchase_id)
    reference = uuid5(NAMESPACE_OID, f"surplus:{found.gateway}:{found.payment_id}").hex
    request = RefundRequest(reference, found.order_id, found.total_minor, found.currency, found.payment_id, parts)
    told = await coffer.gateway(found.gateway).refund(request)
    if told.status is not RefundStatus.SUCCEEDED:
        raise RetryLater("The refund is on its way.", at_most_seconds=LONGEST_WAIT_SECONDS)

    async def effect(session: Session) -> None:
        row = await queries.surplus(session, payload["surplus"])
        if row is not None and row.completed_at is None:
            row.refund_id, row.completed_at = told.refund_id, coffer.clock()

    return effect
