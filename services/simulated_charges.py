"""Saved methods at the simulated provider: an order whose method the buyer let the merchant charge again.

A credit card is charged at once, a debit card always declines, and UPI is a mandate, whose debits are announced before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from db import simulated as queries
from domain.errors import InvalidState, NotFound
from domain.jobs import Queue
from domain.purchases import PaymentMethod
from domain.recharges import MethodKind
from services.jobs import enqueue
from services.simulated_provider import NewOrder, check, decide

if TYPE_CHECKING:
    from db.database import Session
    from db.models.purchases import SimulatedOrder
    from services.coffer import Coffer

DECLINE: Final = "The bank declined the payment: insufficient funds."
_PAID: Final = frozenset({"paid", "refunded", "partially_refunded"})


@dataclass(frozen=True, slots=True)
class NewCharge:
    """What a merchant charges, in minor units, to the method of an earlier order; the reference is its own id of it."""

    reference: str
    amount_minor: int
    currency: str
    saved_method: str


def saved_kind(order: SimulatedOrder) -> str | None:
    """What the merchant may do with the method of a paid order."""
    if not order.saves_method or order.status not in _PAID:
        return None
    return (MethodKind.MANDATE if order.method == PaymentMethod.UPI.name else MethodKind.DIRECT).name


async def charge(coffer: Coffer, wanted: NewCharge, notice_seconds: int) -> SimulatedOrder:
    """Charge a saved method, once for its reference; a mandate is PENDING until its notice has passed.

    NotFound, InvalidInput; InvalidState when the reference is that of another order.
    """
    async with coffer.database.transaction() as session:
        saved = await queries.get(session, wanted.saved_method)
        if saved is None or saved_kind(saved) is None:
            raise NotFound("No such saved method.")
        order = NewOrder(wanted.reference, wanted.amount_minor, wanted.currency, saved.method, fails=False)
        check(order)
        values = {"reference": order.reference, "amount_minor": order.amount_minor, "currency": order.currency}
        values |= {"method": order.method, "fails": False, "charges": saved.id, "status": "open"}
        made, created = await queries.add(session, {"id": f"sim_{uuid4().hex}", **values})
        if (made.amount_minor, made.charges) != (wanted.amount_minor, saved.id):
            raise InvalidState("This reference is that of another order.")
        if created:
            await _settle(coffer, session, made, notice_seconds)
    return made


async def forget(coffer: Coffer, order_id: str) -> None:
    """Let nobody charge an order's method any more. NotFound."""
    async with coffer.database.transaction() as session:
        order = await queries.lock(session, order_id)
        if order is None:
            raise NotFound("No such saved method.")
        order.saves_method = False


async def _settle(coffer: Coffer, session: Session, order: SimulatedOrder, notice_seconds: int) -> None:
    if order.method == PaymentMethod.UPI.name:
        await decide(coffer, session, order, "pending", "")
        work = (Queue.PAYMENT_PROCESSING, "simulated.pay", {"order": order.id})
        await enqueue(coffer, session, work, delay_seconds=notice_seconds)
    else:
        declines = order.method == PaymentMethod.DEBIT_CARD.name
        await decide(coffer, session, order, "failed" if declines else "paid", DECLINE)
