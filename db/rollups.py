"""Queries of the usage rollup: exact at commit time, never a scan of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from db.models.ledger import UsageRollup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute

    from db.database import Session

_R: Final = UsageRollup


async def by_feature(session: Session, wallet_id: int, start: date, end: date) -> Sequence[Any]:
    """Usage between two days, inclusive: (feature, credits, events, units, last_activity_at), most credits first."""
    credits_sum = func.sum(_R.credits)
    query = (
        select(_R.feature, credits_sum, func.sum(_R.events), func.sum(_R.units), func.max(_R.last_activity_at))
        .where(_R.wallet_id == wallet_id, _R.day.between(start, end))
        .group_by(_R.feature)
        .order_by(credits_sum.desc(), _R.feature)
    )
    return (await session.execute(query)).all()


async def total(session: Session, wallet_id: int, start: date, end: date) -> tuple[int, int]:
    """Credits and events between two days, inclusive."""
    query = select(func.coalesce(func.sum(_R.credits), 0), func.coalesce(func.sum(_R.events), 0))
    row = (await session.execute(query.where(_R.wallet_id == wallet_id, _R.day.between(start, end)))).one()
    return int(row[0]), int(row[1])


async def daily(session: Session, wallet_ids: Sequence[int], start: date, end: date) -> Sequence[Any]:
    """Usage of wallets between two days, inclusive: (wallet_id, category or None, day, credits)."""
    keys = (_R.wallet_id, _R.category, _R.day)
    query = select(*keys, func.sum(_R.credits)).where(_R.wallet_id.in_(wallet_ids), _R.day.between(start, end))
    return (await session.execute(query.group_by(*keys))).all()


def was_used(wallet_id: InstrumentedAttribute[int], start: date, end: date) -> ColumnElement[bool]:
    """The condition that a wallet has usage between two days, inclusive: one look into the primary key."""
    return select(_R.wallet_id).where(_R.wallet_id == wallet_id, _R.day.between(start, end)).exists()
