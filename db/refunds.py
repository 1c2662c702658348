"""Queries of refunds, disputes and surplus payments."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.models.lots import Lot
from db.models.purchases import Purchase, SurplusPayment
from db.models.refunds import Dispute, Refund, ReversalSweep
from db.paging import newest_first
from db.proof import settle_lots
from domain.refunds import NOTHING, DisputeStatus, RefundStatus, Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page

_OPEN: Final = (RefundStatus.REQUESTED, RefundStatus.PENDING)


async def refund(session: Session, uuid: UUID) -> Refund | None:
    """A refund as it is now; who changes it holds its purchase's lock."""
    query = select(Refund).where(Refund.uuid == uuid).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def refund_by_key(session: Session, purchase_id: int, idempotency_key: str) -> Refund | None:
    """The refund that was asked for with that key."""
    query = select(Refund).where(Refund.purchase_id == purchase_id, Refund.idempotency_key == idempotency_key)
    return (await session.scalars(query)).one_or_none()


async def refunds_of(session: Session, purchase_id: int) -> Sequence[Refund]:
    """Every refund of a locked purchase."""
    query = select(Refund).where(Refund.purchase_id == purchase_id).order_by(Refund.id)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def disputes_of(session: Session, purchase_id: int) -> Sequence[Dispute]:
    """Every dispute of a locked purchase."""
    query = select(Dispute).where(Dispute.purchase_id == purchase_id).order_by(Dispute.id)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def taken(session: Session, purchase_id: int) -> Share:
    """What of a locked purchase went back, is on its way back, or is disputed."""
    await session.flush()
    refunds = [row.share for row in await refunds_of(session, purchase_id) if row.status is not RefundStatus.FAILED]
    disputes = [row.share for row in await disputes_of(session, purchase_id) if row.status is DisputeStatus.OPEN]
    return sum([*refunds, *disputes], NOTHING)


async def open_parts(session: Session, purchase_id: int) -> tuple[int, int]:
    """How many refunds of a locked purchase are on their way, and how many disputes are open."""
    await session.flush()
    refunds, disputes = await refunds_of(session, purchase_id), await disputes_of(session, purchase_id)
    return sum(row.status in _OPEN for row in refunds), sum(row.status is DisputeStatus.OPEN for row in disputes)


async def newest_refunds(session: Session, project_id: int, purchase: UUID | None, page: Page) -> Sequence[Refund]:
    """Refunds of a project, of one purchase if named, newest first."""
    query = select(Refund).where(Refund.project_id == project_id)
    if purchase is not None:
        query = query.where(Refund.purchase_uuid == purchase)
    return (await session.scalars(newest_first(query, Refund.id, page))).all()


async def newest_disputes(
    session: Session, project_id: int, status: DisputeStatus | None, page: Page
) -> Sequence[Dispute]:
    """Disputes of a project, of one status if named, newest first."""
    query = select(Dispute).where(Dispute.project_id == project_id)
    if status is not None:
        query = query.where(Dispute.status == status)
    return (await session.scalars(newest_first(query, Dispute.id, page))).all()


async def credits_left(session: Session, wallet_id: int, source_id: str) -> int:
    """What is left of a purchase's lots now; the wallet is locked until the end of the transaction."""
    await settle_lots(session, wallet_id)
    mine = (Lot.wallet_id == wallet_id, Lot.active, Lot.source_id == source_id)
    return int(await session.scalar(select(func.coalesce(func.sum(Lot.remaining), 0)).where(*mine)) or 0)


async def swept(session: Session, age_days: int, before: datetime, limit: int) -> list[Purchase]:
    """The next purchases from before a time that were not looked at at that age; now they are."""
    place = await session.get_one(ReversalSweep, age_days, with_for_update=True)
    query = select(Purchase).where(Purchase.id > place.purchase_id).order_by(Purchase.id).limit(limit)
    rows = list(takewhile(lambda row: row.created_at <= before, await session.scalars(query)))
    if rows:
        place.purchase_id = rows[-1].id
    return rows


async def add_surplus(session: Session, purchase: Purchase, payment: Mapping[str, Any]) -> int | None:
    """Note a payment of a purchase that was paid already: its id here, or None when it is known."""
    row = insert(SurplusPayment).values(purchase_id=purchase.id, gateway=purchase.gateway, **payment)
    return await session.scalar(row.on_conflict_do_nothing().returning(SurplusPayment.id))


async def surplus(session: Session, surplus_id: int) -> SurplusPayment | None:
    """A surplus payment, locked until the end of the transaction."""
    query = select(SurplusPayment).where(SurplusPayment.id == surplus_id).with_for_update()
    return (await session.scalars(query)).one_or_none()
