"""Queries of runway watches and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from db.models.forecasts import RunwayAlert, RunwayWatch
from db.models.ledger import Wallet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from db.database import Session

RECOVERED_PERCENT: Final = 110
"""A wallet is well again at this much of what it needs, so that one at the border does not raise alert after alert."""

_W: Final = RunwayWatch


async def alert_days(session: Session, wallet_ids: Sequence[int]) -> dict[int, int]:
    """The number of days of those wallets that have one of their own."""
    query = select(_W.wallet_id, _W.alert_days).where(_W.wallet_id.in_(wallet_ids), _W.alert_days.is_not(None))
    return {wallet_id: days for wallet_id, days in (await session.execute(query)).all() if days is not None}


async def set_alert_days(session: Session, wallet_id: int, days: int | None, needed: int | None) -> None:
    """Keep a wallet's own number of days; an alert that was raised for another one is over."""
    values = {"alert_days": days, "needed_credits": needed, "low": False}
    row = insert(RunwayWatch).values(wallet_id=wallet_id, **values)
    await session.execute(row.on_conflict_do_update(index_elements=[_W.wallet_id], set_=values))


async def note_forecasts(session: Session, needed: dict[int, int | None], today: date) -> None:
    """Note that wallets were forecast, and the credits that each of them needs."""
    rows = [{"wallet_id": key, "forecast_on": today, "needed_credits": value} for key, value in needed.items()]
    written = insert(RunwayWatch)
    values = {name: written.excluded[name] for name in ("forecast_on", "needed_credits")}
    await session.execute(written.on_conflict_do_update(index_elements=[_W.wallet_id], set_=values), rows)


async def recover(session: Session) -> None:
    """End the alerts of wallets that have enough again, or are no longer watched."""
    enough = _W.needed_credits.is_(None) | (Wallet.available_credits * 100 >= _W.needed_credits * RECOVERED_PERCENT)
    await session.execute(update(RunwayWatch).where(_W.low, Wallet.id == _W.wallet_id, enough).values(low=False))


async def running_out(session: Session, limit: int) -> Sequence[Any]:
    """Wallets that have less than they need and were not told of: (wallet, watch), locked till the end."""
    low = (~_W.low, Wallet.available_credits < _W.needed_credits)
    query = select(Wallet, RunwayWatch).join(RunwayWatch, _W.wallet_id == Wallet.id).where(*low).limit(limit)
    return (await session.execute(query.with_for_update(of=RunwayWatch, skip_locked=True))).all()


async def raise_alerts(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write alerts and mark their wallets as told of."""
    await session.execute(insert(RunwayAlert), rows)
    told = [row["wallet_id"] for row in rows]
    await session.execute(update(RunwayWatch).where(_W.wallet_id.in_(told)).values(low=True))
