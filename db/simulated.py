"""Queries of the simulated provider's orders, accounts and transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.models.payouts import SimulatedBeneficiary, SimulatedTransfer
from db.models.purchases import SimulatedMovement, SimulatedOrder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from domain.totals import Span


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


async def add_movement(session: Session, order: SimulatedOrder, values: Mapping[str, Any]) -> None:
    """Keep that money of an order moved, once for its name."""
    row = insert(SimulatedMovement).values(order_id=order.id, currency=order.currency, **values)
    await session.execute(row.on_conflict_do_nothing())


async def movements(session: Session, span: Span, after: int, limit: int) -> Sequence[SimulatedMovement]:
    """Movements of a time behind one of them, in the order in which they were kept."""
    mine = (SimulatedMovement.at >= span.start, SimulatedMovement.at < span.end, SimulatedMovement.id > after)
    query = select(SimulatedMovement).where(*mine).order_by(SimulatedMovement.id).limit(limit)
    return (await session.scalars(query)).all()


async def add_beneficiary(session: Session, values: Mapping[str, Any]) -> None:
    """Keep an account; one that is there stays as it is."""
    await session.execute(insert(SimulatedBeneficiary).values(**values).on_conflict_do_nothing())


async def beneficiary(session: Session, reference: str) -> SimulatedBeneficiary | None:
    """One account."""
    return await session.get(SimulatedBeneficiary, reference)


async def add_transfer(session: Session, values: Mapping[str, Any]) -> tuple[SimulatedTransfer, bool]:
    """Insert a transfer, or find the one with its reference; and whether it is new."""
    row = insert(SimulatedTransfer).values(**values).on_conflict_do_nothing().returning(SimulatedTransfer.id)
    created = await session.scalar(row) is not None
    return await session.get_one(SimulatedTransfer, values["id"]), created


async def transfer(session: Session, reference: str) -> SimulatedTransfer | None:
    """One transfer."""
    return await session.get(SimulatedTransfer, reference)


async def lock_transfer(session: Session, reference: str) -> SimulatedTransfer | None:
    """One transfer, locked until the end of the transaction."""
    return await session.get(SimulatedTransfer, reference, with_for_update=True)
