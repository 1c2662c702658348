"""Subscriptions at the simulated provider: an order that renews by itself, each time by another order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from db import simulated as queries
from domain.errors import InvalidState, NotFound
from services.simulated_provider import OPEN, PERIODS, announce, decide, locked, renew_later

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.purchases import SimulatedOrder
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

CANCELLED: Final = "cancelled"
RENEWAL: Final = "renewal"
"""What a later order of a subscription renews by."""

LISTED_ORDERS: Final = 12


async def read(coffer: Coffer, order_id: str) -> dict[str, object]:
    """How the subscription of an order stands, with its latest orders, the oldest first. NotFound."""
    async with coffer.database.reading() as session:
        first = await queries.get(session, order_id)
        if first is None or first.renews in {None, RENEWAL}:
            raise NotFound("No such subscription.")
        orders = [first, *await queries.renewals(session, first.id)]
    paid = [order for order in orders if order.status not in OPEN]
    paid_until = paid[-1].created_at + PERIODS.get(first.renews or "", timedelta()) if paid else None
    return {
        "id": first.id,
        "reference": first.reference,
        "status": _status(orders),
        "paid_until": paid_until.isoformat() if paid_until else None,
        "orders": [order.id for order in orders[-LISTED_ORDERS:]],
    }


def told(order: SimulatedOrder) -> dict[str, str] | None:
    """The subscription that an order is of: its first order's id and reference."""
    if order.renews is None:
        return None
    is_first = order.renews != RENEWAL
    return {
        "id": order.id if is_first else order.charges or "",
        "reference": order.reference if is_first else order.reference.rpartition("/")[0],
    }


async def renew(coffer: Coffer, session: Session, first: SimulatedOrder, status: str = "paid") -> None:
    """Charge another period, which the bank takes or declines, and tell the merchant. InvalidState."""
    if first.renews not in PERIODS:
        raise InvalidState("This order does not renew.")
    number = len(await queries.renewals(session, first.id)) + 1
    values = {"reference": f"{first.reference}/{number}", "amount_minor": first.amount_minor, "fails": False}
    values |= {"currency": first.currency, "method": first.method, "charges": first.id, "renews": RENEWAL}
    order, _ = await queries.add(session, {"id": f"sim_{uuid4().hex}", "status": "open", **values})
    await decide(coffer, session, order, status, "The bank declined the renewal.")


async def cancel(coffer: Coffer, session: Session, first: SimulatedOrder) -> None:
    """End a subscription, and tell the merchant; one that has ended stays so."""
    if first.renews in PERIODS:
        first.renews = CANCELLED
        await announce(coffer, session, first, "subscription.cancelled")


async def cancel_for_merchant(coffer: Coffer, order_id: str) -> dict[str, object]:
    """End a subscription, as its merchant asks. NotFound."""
    async with coffer.database.transaction() as session:
        await cancel(coffer, session, await locked(session, order_id))
    return await read(coffer, order_id)


def handlers() -> dict[str, Handler]:
    """Make the background work: renewals at the end of a period."""

    async def at_period_end(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        async def effect(session: Session) -> None:
            first = await locked(session, payload["order"])
            if first.renews in PERIODS:
                await renew(coffer, session, first)
                await renew_later(coffer, session, first)

        return effect

    return {"simulated.renew": at_period_end}


def _status(orders: Sequence[SimulatedOrder]) -> str:
    if orders[0].renews == CANCELLED:
        return CANCELLED
    if orders[0].status in OPEN:
        return "incomplete"
    return "past_due" if orders[-1].status in OPEN else "active"
