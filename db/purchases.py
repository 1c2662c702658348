"""Queries of purchases and their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import Uuid, any_, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError

from db.models.purchases import Purchase, PurchaseOrder
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page
    from domain.purchases import PurchaseStatus


async def find(session: Session, project_id: int, uuid: UUID) -> Purchase | None:
    """The project's purchase with that uuid."""
    query = select(Purchase).where(Purchase.uuid == uuid, Purchase.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def lock(session: Session, uuid: UUID) -> Purchase | None:
    """The purchase, locked until the end of the transaction."""
    query = select(Purchase).where(Purchase.uuid == uuid).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def lock_all(session: Session, uuids: Sequence[UUID]) -> dict[UUID, Purchase]:
    """The purchases, locked in order until the end of the transaction."""
    mine = Purchase.uuid == any_(cast(uuids, ARRAY(Uuid)))
    query = select(Purchase).where(mine).order_by(Purchase.id).with_for_update()
    found = await session.scalars(query.execution_options(populate_existing=True))
    return {row.uuid: row for row in found}


class Change(NamedTuple):
    """What a payment makes of a purchase."""

    purchase_id: int
    status: PurchaseStatus
    payment_id: str | None
    failure_reason: str | None
    card: str | None


_CHANGE: Final = text("""
    update purchase p set status = c.status, payment_id = c.payment_id, failure_reason = c.failure_reason,
      card = c.card, updated_at = clock_timestamp()
    from unnest(cast(:purchase_ids as bigint[]), cast(:statuses as smallint[]), cast(:payment_ids as text[]),
      cast(:reasons as text[]), cast(:cards as text[])) c (id, status, payment_id, failure_reason, card)
    where p.id = c.id""")


async def change_all(session: Session, changes: Sequence[Change]) -> None:
    """Write what payments make of locked purchases, in one statement."""
    names = ("purchase_ids", "statuses", "payment_ids", "reasons", "cards")
    columns = zip(names, map(list, zip(*changes, strict=True)), strict=True)
    await session.execute(_CHANGE, dict(columns))


async def by_uuid(session: Session, uuid: UUID) -> Purchase | None:
    """The purchase of any project: for background work."""
    return (await session.scalars(select(Purchase).where(Purchase.uuid == uuid))).one_or_none()


async def by_key(session: Session, wallet_id: int, idempotency_key: str) -> Purchase | None:
    """The wallet's purchase that was asked for with that key."""
    query = select(Purchase).where(Purchase.wallet_id == wallet_id, Purchase.idempotency_key == idempotency_key)
    return (await session.scalars(query)).one_or_none()


async def add(session: Session, purchase: Purchase) -> Purchase | None:
    """Write a purchase; or return the one that was made with its key, maybe at this very moment."""
    same = (Purchase.wallet_id == purchase.wallet_id, Purchase.idempotency_key == purchase.idempotency_key)
    try:
        async with session.begin_nested():
            session.add(purchase)
    except IntegrityError:
        return (await session.scalars(select(Purchase).where(*same))).one()
    return None


async def newest(
    session: Session, project_id: int, wallet_id: int | None, subscription: UUID | None, page: Page
) -> Sequence[Purchase]:
    """Purchases of a project, of one wallet or one subscription if named, newest first."""
    query = select(Purchase).where(Purchase.project_id == project_id)
    if wallet_id is not None:
        query = query.where(Purchase.wallet_id == wallet_id)
    if subscription is not None:
        query = query.where(Purchase.subscription_uuid == subscription)
    return (await session.scalars(newest_first(query, Purchase.id, page))).all()


async def touch(session: Session, purchase: Purchase) -> None:
    """Write the change and its time."""
    purchase.updated_at = await session.scalar(select(func.clock_timestamp()))  # type: ignore[assignment]  # never null
    await session.flush()


async def add_order(session: Session, purchase: Purchase, order_id: str) -> None:
    """Note an order that was opened for a purchase."""
    row = insert(PurchaseOrder).values(gateway=purchase.gateway, order_id=order_id, purchase_id=purchase.id)
    await session.execute(row.on_conflict_do_nothing())


async def by_order(session: Session, gateway: str, order_id: str) -> Purchase | None:
    """The purchase that has that order, also one of an earlier attempt, or that payment at its provider."""
    orders = select(PurchaseOrder.purchase_id).where(
        PurchaseOrder.gateway == gateway, PurchaseOrder.order_id == order_id
    )
    paid = select(Purchase.id).where(Purchase.gateway == gateway, Purchase.payment_id == order_id)
    query = select(Purchase).where(Purchase.id.in_(orders.union(paid).scalar_subquery())).limit(1)
    return (await session.scalars(query)).one_or_none()
