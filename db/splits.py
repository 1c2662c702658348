"""Queries of vendors and of the splits of purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.models.splits import PurchaseSplit, SplitRefund, Vendor
from db.paging import newest_first
from domain.splits import SplitStatus, VendorStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page


async def add_vendor(session: Session, values: Mapping[str, Any]) -> Vendor:
    """Keep a vendor, or find the one with its uuid, locked until the end of the transaction."""
    await session.execute(insert(Vendor).values(**values).on_conflict_do_nothing())
    query = select(Vendor).where(Vendor.uuid == values["uuid"]).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def lock_vendor(session: Session, project_id: int, uuid: UUID) -> Vendor | None:
    """The project's vendor with that uuid, locked until the end of the transaction."""
    query = select(Vendor).where(Vendor.uuid == uuid, Vendor.project_id == project_id)
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).one_or_none()


async def vendor(session: Session, uuid: UUID) -> Vendor | None:
    """The vendor of any project: for background work."""
    query = select(Vendor).where(Vendor.uuid == uuid).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def vendors(session: Session, project_id: int, page: Page) -> Sequence[Vendor]:
    """The project's vendors, newest first."""
    query = select(Vendor).where(Vendor.project_id == project_id)
    return (await session.scalars(newest_first(query, Vendor.id, page))).all()


async def sharing(session: Session, project_id: int, gateway: str, limit: int) -> Sequence[Vendor]:
    """The active vendors that get a share of each purchase through a gateway, the oldest first."""
    mine = (Vendor.project_id == project_id, Vendor.gateway == gateway, Vendor.status == VendorStatus.ACTIVE)
    query = select(Vendor).where(*mine, Vendor.share_basis_points > 0).order_by(Vendor.id).limit(limit)
    return (await session.scalars(query)).all()


async def named(session: Session, project_id: int, uuids: Sequence[UUID]) -> dict[UUID, Vendor]:
    """The project's vendors among the uuids."""
    query = select(Vendor).where(Vendor.project_id == project_id, Vendor.uuid.in_(uuids))
    return {row.uuid: row for row in await session.scalars(query)}


async def planned(session: Session, purchase_id: int) -> Sequence[PurchaseSplit]:
    """What goes with the orders of a purchase."""
    mine = (PurchaseSplit.purchase_id == purchase_id, PurchaseSplit.idempotency_key.is_(None))
    return (await session.scalars(select(PurchaseSplit).where(*mine).order_by(PurchaseSplit.id))).all()


async def by_key(session: Session, purchase_id: int, idempotency_key: str) -> Sequence[PurchaseSplit]:
    """What was asked for with that key."""
    mine = (PurchaseSplit.purchase_id == purchase_id, PurchaseSplit.idempotency_key == idempotency_key)
    query = select(PurchaseSplit).where(*mine).order_by(PurchaseSplit.id).execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


async def split_minor(session: Session, purchase_id: int) -> int:
    """What of a purchase goes to vendors, or may, less what refunds take back."""
    mine = (PurchaseSplit.purchase_id == purchase_id, PurchaseSplit.status != SplitStatus.FAILED)
    left = func.sum(PurchaseSplit.amount_minor - PurchaseSplit.refunded_minor)
    return int(await session.scalar(select(func.coalesce(left, 0)).where(*mine)) or 0)


async def held(session: Session, purchase_id: int) -> Sequence[PurchaseSplit]:
    """The splits of a locked, paid purchase of which vendors have something, or will have."""
    mine = (
        PurchaseSplit.purchase_id == purchase_id,
        PurchaseSplit.status.in_((SplitStatus.REQUESTED, SplitStatus.DONE)),
    )
    query = select(PurchaseSplit).where(*mine, PurchaseSplit.refunded_minor < PurchaseSplit.amount_minor)
    return (await session.scalars(query.order_by(PurchaseSplit.id).execution_options(populate_existing=True))).all()


async def take_back(session: Session, refund_id: int, parts: Mapping[PurchaseSplit, int]) -> None:
    """Write what a refund takes back of splits of its locked purchase."""
    taken = {split: amount_minor for split, amount_minor in parts.items() if amount_minor}
    if taken:
        rows = [
            {"refund_row_id": refund_id, "split_row_id": split.id, "amount_minor": amount}
            for split, amount in taken.items()
        ]
        await session.execute(insert(SplitRefund), rows)
    for split, amount_minor in taken.items():
        split.refunded_minor += amount_minor


async def taken_back(session: Session, refund_id: int) -> Sequence[tuple[PurchaseSplit, int]]:
    """The splits of which a refund takes something back, and how much."""
    query = select(PurchaseSplit, SplitRefund.amount_minor).join_from(SplitRefund, PurchaseSplit)
    mine = query.where(SplitRefund.refund_row_id == refund_id).order_by(PurchaseSplit.id)
    return [(row[0], row[1]) for row in await session.execute(mine.execution_options(populate_existing=True))]


async def refused(session: Session, split: PurchaseSplit) -> None:
    """Forget what refunds take back of a split that came to nothing."""
    await session.execute(delete(SplitRefund).where(SplitRefund.split_row_id == split.id))
    split.refunded_minor = 0


async def newest(session: Session, project_id: int, purchase: UUID | None, page: Page) -> Sequence[PurchaseSplit]:
    """Splits of a project, of one purchase if named, newest first."""
    query = select(PurchaseSplit).where(PurchaseSplit.project_id == project_id)
    if purchase is not None:
        query = query.where(PurchaseSplit.purchase_uuid == purchase)
    return (await session.scalars(newest_first(query, PurchaseSplit.id, page))).all()
