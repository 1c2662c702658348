"""Queries of the usage rollup: exact at commit time, never a scan of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from db.models.ledger import UsageRollup
from domain.analytics import GroupBy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from db.database import Session

_R: Final = UsageRollup
_KEYS: Final[dict[GroupBy, Any]] = {
    GroupBy.FEATURE: _R.feature,
    GroupBy.CATEGORY: _R.category,
    GroupBy.MEMBER: _R.member,
    GroupBy.DAY: _R.day,
}


async def grouped(session: Session, wallet_id: int, group_by: GroupBy, start: date, end: date) -> Sequence[Any]:
    """Usage between two days, inclusive, by key: (key, credits, events, last_activity_at), most credits first."""
    key = _KEYS[group_by]
    credits_sum = func.sum(_R.credits)
    order = (key,) if group_by == GroupBy.DAY else (credits_sum.desc(), key)
    query = (
        select(key, credits_sum, func.sum(_R.events), func.max(_R.last_activity_at))
        .where(_R.wallet_id == wallet_id, _R.day.between(start, end))
        .group_by(key)
        .order_by(*order)
    )
    return (await session.execute(query)).all()


async def total(session: Session, wallet_id: int, start: date, end: date) -> tuple[int, int]:
    """Credits and events between two days, inclusive."""
    query = select(func.coalesce(func.sum(_R.credits), 0), func.coalesce(func.sum(_R.events), 0))
    row = (await session.execute(query.where(_R.wallet_id == wallet_id, _R.day.between(start, end)))).one()
    return int(row[0]), int(row[1])
