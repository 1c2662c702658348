"""Queries of subscriptions and of the purchases that pay for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from db.models.purchases import Purchase, PurchaseOrder
from db.models.subscriptions import CreditSubscription
from db.paging import newest_first
from domain.purchases import PurchaseStatus
from domain.subscriptions import RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page
    from domain.subscriptions import SubscriptionStatus

_PAID: Final = (PurchaseStatus.SUCCESS, PurchaseStatus.REFUNDED)


async def add(session: Session, row: CreditSubscription) -> None:
    """Write a subscription, so that it has its id."""
    session.add(row)
    await session.flush()


async def find(session: Session, project_id: int, uuid: UUID) -> CreditSubscription | None:
    """The project's subscription with that uuid."""
    same = (CreditSubscription.uuid == uuid, CreditSubscription.project_id == project_id)
    return (await session.scalars(select(CreditSubscription).where(*same))).one_or_none()


async def by_uuid(session: Session, uuid: UUID) -> CreditSubscription | None:
    """The subscription of any project: for background work."""
    return (await session.scalars(select(CreditSubscription).where(CreditSubscription.uuid == uuid))).one_or_none()


async def lock(session: Session, uuid: UUID) -> CreditSubscription | None:
    """The subscription, locked until the end of the transaction."""
    query = select(CreditSubscription).where(CreditSubscription.uuid == uuid).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def touch(session: Session, row: CreditSubscription) -> None:
    """Write the change and its time."""
    row.updated_at = await session.scalar(select(func.clock_timestamp()))  # type: ignore[assignment]  # never null
    await session.flush()


async def newest(
    session: Session, project_id: int, wallet_id: int | None, status: SubscriptionStatus | None, page: Page
) -> Sequence[CreditSubscription]:
    """Subscriptions of a project, of one wallet or in one status if named, newest first."""
    query = select(CreditSubscription).where(CreditSubscription.project_id == project_id)
    if wallet_id is not None:
        query = query.where(CreditSubscription.wallet_id == wallet_id)
    if status is not None:
        query = query.where(CreditSubscription.status == status)
    return (await session.scalars(newest_first(query, CreditSubscription.id, page))).all()


async def due(session: Session, now: datetime, limit: int) -> Sequence[CreditSubscription]:
    """Running subscriptions about which their providers are to be asked, locked; others skip them."""
    query = select(CreditSubscription).where(CreditSubscription.status.in_(RUNNING), CreditSubscription.check_at <= now)
    query = query.order_by(CreditSubscription.check_at).limit(limit).with_for_update(skip_locked=True)
    return (await session.scalars(query)).all()


async def settled_orders(session: Session, gateway: str, order_ids: Sequence[str]) -> set[str]:
    """Those of a provider's orders whose purchases are paid."""
    query = select(PurchaseOrder.order_id).join(Purchase, Purchase.id == PurchaseOrder.purchase_id)
    mine = (PurchaseOrder.gateway == gateway, PurchaseOrder.order_id.in_(order_ids), Purchase.status.in_(_PAID))
    return set(await session.scalars(query.where(*mine)))
