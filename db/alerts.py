"""Queries of alerts: balances that fell below their threshold, and rapid burn."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import exists, func, select, update

from db.models.controls import BurnAlert
from db.models.forecasts import RunwayAlert
from db.models.ledger import LowBalanceAlert
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from domain.pages import Page

Alert = LowBalanceAlert | BurnAlert | RunwayAlert
A = TypeVar("A", bound=Alert)


async def newest_id(session: Session, alert: type[A], project_id: int) -> int:
    """The id of the project's last alert of a kind, 0 without one."""
    return (await session.scalar(select(func.max(alert.id)).where(alert.project_id == project_id))) or 0


async def following(session: Session, alert: type[A], project_id: int, after: int, limit: int) -> Sequence[A]:
    """The project's alerts of a kind above an id, oldest first."""
    query = select(alert).where(alert.project_id == project_id, alert.id > after).order_by(alert.id).limit(limit)
    return (await session.scalars(query)).all()


async def newest(session: Session, alert: type[A], project_id: int, wallet_id: int | None, page: Page) -> Sequence[A]:
    """The project's alerts of a kind, of one wallet if named, newest first."""
    query = select(alert).where(alert.project_id == project_id)
    if wallet_id is not None:
        query = query.where(alert.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, alert.id, page))).all()


async def raised_by(session: Session, wallet_id: int, sequence: int) -> tuple[bool, bool]:
    """Whether a row raised a low-balance alert, and one of rapid burn."""
    raised = [
        select(exists().where(alert.wallet_id == wallet_id, alert.sequence == sequence))
        for alert in (LowBalanceAlert, BurnAlert)
    ]
    low, burn = [bool(await session.scalar(query)) for query in raised]
    return low, burn


async def unpublished(session: Session, limit: int) -> Sequence[BurnAlert]:
    """Alerts of rapid burn that no stream was told of, oldest first."""
    query = select(BurnAlert).where(BurnAlert.published_at.is_(None)).order_by(BurnAlert.id).limit(limit)
    return (await session.scalars(query)).all()


async def published(session: Session, ids: Sequence[int]) -> None:
    """Note that streams were told."""
    await session.execute(update(BurnAlert).where(BurnAlert.id.in_(ids)).values(published_at=func.now()))
