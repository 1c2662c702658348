"""Queries of purchases and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from db.models.purchases import GatewayEvent, Purchase, Refund, SurplusPayment
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page


async def find(session: Session, project_id: int, uuid: UUID) -> Purchase | None:
    """The project's purchase with that uuid."""
    query = select(Purchase).where(Purchase.uuid == uuid, Purchase.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def lock(session: Session, uuid: UUID) -> Purchase | None:
    """The purchase, locked until the end of the transaction."""
    query = select(Purchase).where(Purchase.uuid == uuid).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def by_uuid(session: Session, uuid: UUID) -> Purchase | None:
    """The purchase of any project: for background work."""
    return (await session.scalars(select(Purchase).where(Purchase.uuid == uuid))).one_or_none()


async def add(session: Session, purchase: Purchase) -> Purchase | None:
    """Write a purchase; or return the one that was made with its key, maybe at this very moment."""
    same = (Purchase.wallet_id == purchase.wallet_id, Purchase.idempotency_key == purchase.idempotency_key)
    try:
        async with session.begin_nested():
            session.add(purchase)
    except IntegrityError:
        return (await session.scalars(select(Purchase).where(*same))).one()
    return None


async def newest(session: Session, project_id: int, wallet_id: int | None, page: Page) -> Sequence[Purchase]:
    """Purchases of a project, of one wallet if named, newest first."""
    query = select(Purchase).where(Purchase.project_id == project_id)
    if wallet_id is not None:
        query = query.where(Purchase.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, Purchase.id, page))).all()


async def touch(session: Session, purchase: Purchase) -> None:
    """Write the change and its time."""
    purchase.updated_at = await session.scalar(select(func.clock_timestamp()))  # type: ignore[assignment]  # never null
    await session.flush()


async def refund_by_key(session: Session, purchase_id: int, idempotency_key: str) -> Refund | None:
    """The refund that was asked for with that key."""
    query = select(Refund).where(Refund.purchase_id == purchase_id, Refund.idempotency_key == idempotency_key)
    return (await session.scalars(query)).one_or_none()


async def refund(session: Session, uuid: UUID) -> tuple[Refund, Purchase] | None:
    """A refund and its purchase, both locked."""
    query = select(Refund, Purchase).join(Purchase, Purchase.id == Refund.purchase_id).where(Refund.uuid == uuid)
    row = (await session.execute(query.with_for_update())).one_or_none()
    return None if row is None else (row[0], row[1])


async def gateway_event(session: Session, event_id: int) -> GatewayEvent | None:
    """A stored webhook."""
    return await session.get(GatewayEvent, event_id, populate_existing=True)


async def store_event(session: Session, gateway: str, event: dict[str, Any]) -> int | None:
    """Keep a webhook: its id here, or None when that event of the provider is known."""
    row = insert(GatewayEvent).values(gateway=gateway, **event).on_conflict_do_nothing()
    return await session.scalar(row.returning(GatewayEvent.id))


async def mark_event(session: Session, event_id: int, verdict: str) -> None:
    """Note what was made of a webhook."""
    change = {"verdict": verdict, "processed_at": func.now()}
    await session.execute(update(GatewayEvent).where(GatewayEvent.id == event_id).values(change))


async def open_refunds(session: Session, purchase_id: int) -> int:
    """How many refunds of a purchase the provider has not decided yet."""
    await session.flush()
    query = select(func.count()).where(Refund.purchase_id == purchase_id, Refund.completed_at.is_(None))
    return (await session.scalar(query)) or 0


async def project_of_order(session: Session, gateway: str, order_id: str) -> int | None:
    """The project whose purchase has that order, or that payment, at its provider."""
    named = (Purchase.order_id == order_id) | (Purchase.payment_id == order_id)
    return await session.scalar(select(Purchase.project_id).where(Purchase.gateway == gateway, named).limit(1))


async def add_surplus(session: Session, purchase: Purchase, payment: Mapping[str, Any]) -> int | None:
    """Note a payment of a purchase that was paid already: its id here, or None when it is known."""
    row = insert(SurplusPayment).values(purchase_id=purchase.id, gateway=purchase.gateway, **payment)
    return await session.scalar(row.on_conflict_do_nothing().returning(SurplusPayment.id))


async def surplus(session: Session, surplus_id: int) -> SurplusPayment | None:
    """A surplus payment, locked until the end of the transaction."""
    query = select(SurplusPayment).where(SurplusPayment.id == surplus_id).with_for_update()
    return (await session.scalars(query)).one_or_none()
