"""Queries of the simulated provider's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.models.purchases import SimulatedOrder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session


async def add(session: Session, values: Mapping[str, Any]) -> tuple[SimulatedOrder, bool]:
    """Insert an order, or find the one with its reference; and whether it is new."""
    row = insert(SimulatedOrder).values(**values).on_conflict_do_nothing().returning(SimulatedOrder.id)
    created = await session.scalar(row) is not None
    query = select(SimulatedOrder).where(SimulatedOrder.reference == values["reference"])
    return (await session.scalars(query)).one(), created


async def get(session: Session, order_id: str) -> SimulatedOrder | None:
    """One order."""
    return await session.get(SimulatedOrder, order_id)


async def renewals(session: Session, order_id: str) -> Sequence[SimulatedOrder]:
    """The later orders of an order's subscription, the oldest first."""
    query = select(SimulatedOrder).where(SimulatedOrder.charges == order_id, SimulatedOrder.renews == "renewal")
    return (await session.scalars(query.order_by(SimulatedOrder.created_at))).all()


async def lock(session: Session, order_id: str) -> SimulatedOrder | None:
    """One order, locked until the end of the transaction."""
    return await session.get(SimulatedOrder, order_id, with_for_update=True)
