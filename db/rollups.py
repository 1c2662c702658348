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


async def daily(session: Session, wallet_ids: Sequence[int], start: date, end: date) -> Sequence[Any]:
    """Usage of wallets between two days, inclusive: (wallet_id, category or None, day, credits)."""
    keys = (_R.wallet_id, _R.category, _R.day)
    query = select(*keys, func.sum(_R.credits)).where(_R.wallet_id.in_(wallet_ids), _R.day.between(start, end))
    return (await session.execute(query.group_by(*keys))).all()


def was_used(wallet_id: InstrumentedAttribute[int], start: date, end: date) -> ColumnElement[bool]:
    """The condition that a wallet has usage between two days, inclusive: one look into the primary key."""
    return select(_R.wallet_id).where(_R.wallet_id == wallet_id, _R.day.between(start, end)).exists()
