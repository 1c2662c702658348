"""The simulated provider's own list of the money that it took and gave back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from db import simulated as queries
from domain.errors import InvalidInput
from domain.totals import MoneyMovement, Span

if TYPE_CHECKING:
    from db.database import Session
    from db.models.purchases import SimulatedMovement, SimulatedOrder
    from services.coffer import Coffer

PAGE_MOVEMENTS: Final = 1000


async def note_payment(session: Session, order: SimulatedOrder, at: datetime) -> None:
    """Note that an order was paid."""
    words = {"name": f"pay_{order.id}", "kind": MoneyMovement.PAYMENT, "reference": order.reference}
    await queries.add_movement(session, order, words | {"amount_minor": order.amount_minor, "at": at})


async def note_refund(session: Session, order: SimulatedOrder, reference: str, at: datetime) -> None:
    """Note that part of an order went back."""
    words = {"name": f"simref_{reference}", "kind": MoneyMovement.REFUND, "reference": reference}
    await queries.add_movement(session, order, words | {"amount_minor": order.refunds[reference], "at": at})


async def list_movements(coffer: Coffer, start: str, end: str, after: str) -> dict[str, Any]:
    """A page of the movements of a time, and after which one the next page begins. InvalidInput."""
    try:
        span, number = Span(datetime.fromisoformat(start), datetime.fromisoformat(end)), int(after)
    except ValueError as fault:
        raise InvalidInput("start and end are times, and after is a number.") from fault
    async with coffer.database.reading() as session:
        rows = await queries.movements(session, span, number, PAGE_MOVEMENTS)
    is_full = len(rows) == PAGE_MOVEMENTS
    return {"movements": [_told(row) for row in rows], "next": str(rows[-1].id) if is_full else None}


def _told(row: SimulatedMovement) -> dict[str, Any]:
    words = {"id": row.name, "kind": row.kind.name.lower(), "at": row.at.isoformat()}
    return words | {name: getattr(row, name) for name in ("order_id", "reference", "amount_minor", "currency")}
