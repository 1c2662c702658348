"""Queries of low-balance alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.models.ledger import LowBalanceAlert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session


async def newest_id(session: Session, project_id: int) -> int:
    """The id of the project's last alert, 0 without one."""
    query = select(func.max(LowBalanceAlert.id)).where(LowBalanceAlert.project_id == project_id)
    return (await session.scalar(query)) or 0


async def following(session: Session, project_id: int, after: int, limit: int) -> Sequence[LowBalanceAlert]:
    """The project's alerts above an id, oldest first."""
    query = select(LowBalanceAlert).where(LowBalanceAlert.project_id == project_id, LowBalanceAlert.id > after)
    return (await session.scalars(query.order_by(LowBalanceAlert.id).limit(limit))).all()
