"""Queries of stored forecasts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from db.models.forecasts import RunwayWatch, StoredForecast
from db.models.ledger import Wallet
from db.rollups import was_used

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from db.database import Session

ALL_CATEGORIES: Final = 0

_F: Final = StoredForecast


async def due_wallets(
    session: Session, ids: tuple[int, int | None], days: tuple[date, date], limit: int
) -> Sequence[int]:
    """Wallets from one id up to another (not inclusive), in order, that are due: `days` are (since, today).

    They have whole days of usage since a day and were not forecast today.
    """
    since, today = days
    done = select(RunwayWatch.wallet_id).where(RunwayWatch.wallet_id == Wallet.id, RunwayWatch.forecast_on >= today)
    used = was_used(Wallet.id, since, today - timedelta(days=1))
    query = select(Wallet.id).where(Wallet.id >= ids[0], used, ~done.exists())
    if ids[1] is not None:
        query = query.where(Wallet.id < ids[1])
    return (await session.scalars(query.order_by(Wallet.id).limit(limit))).all()


async def store(session: Session, rows: Sequence[dict[str, Any]], wallet_ids: Sequence[int], today: date) -> None:
    """Write forecasts made today; of older ones keep the first of each month, to compare it with what happened."""
    written = insert(StoredForecast)
    values = {name: written.excluded[name] for name in ("history_from", "history_to", "model", "parameters")}
    keys = [_F.wallet_id, _F.category, _F.made_on]
    await session.execute(written.on_conflict_do_update(index_elements=keys, set_=values), rows)
    first = aliased(StoredForecast)
    month = func.date_trunc("month", _F.made_on)
    earlier = select(first.wallet_id).where(
        first.wallet_id == _F.wallet_id,
        first.category == _F.category,
        first.made_on < _F.made_on,
        func.date_trunc("month", first.made_on) == month,
    )
    await session.execute(
        delete(StoredForecast).where(_F.wallet_id.in_(wallet_ids), _F.made_on < today, earlier.exists())
    )


async def newest(session: Session, wallet_id: int, category: int, since: date) -> StoredForecast | None:
    """The last forecast of a wallet and category, made on a day or after it."""
    query = select(StoredForecast).where(_F.wallet_id == wallet_id, _F.category == category, _F.made_on >= since)
    return (await session.scalars(query.order_by(_F.made_on.desc()).limit(1))).one_or_none()


async def first_between(
    session: Session, wallet_id: int, category: int, start: date, end: date
) -> StoredForecast | None:
    """The first forecast of a wallet and category made between two days, inclusive."""
    mine = (_F.wallet_id == wallet_id, _F.category == category, _F.made_on.between(start, end))
    return (await session.scalars(select(StoredForecast).where(*mine).order_by(_F.made_on).limit(1))).one_or_none()
