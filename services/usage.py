"""Usage of wallets or of a whole project by any keys in any time zone, exact at commit time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from db import usage as queries
from db import wallets as wallet_queries
from db.recorded import recorded
from db.transactions import following
from domain.analytics import GroupBy, UsageSlice, day_range
from domain.errors import InvalidInput, NotFound
from domain.permissions import Actor, Permission
from domain.pricing import UsageCategory
from domain.usage import UsageReport, UsageRow, check_keys, check_units, checked_zone, instants, is_by_time, whole_days
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import date
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from db.database import Session
    from services.coffer import Coffer

MAX_WALLETS: Final = 100
MAX_SLICES: Final = 10_000
"""Slices of one report: a day of each hour and member of a large project, not more."""

"""Wallets that one question names; none named is the whole project."""

FOLD_ROWS: Final = 500
"""Rows of a wallet that may wait for the fold; a query reads them by primary key."""

EXPORT_ROWS: Final = 1_000
FOLD_STEP_ROWS: Final = 50_000
SWEEP_WALLETS: Final = 500


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What is asked: wallets (None: the whole project), keys, days of a zone, and what to read besides."""

    wallets: Sequence[UUID | None] | None = None
    group_by: Sequence[GroupBy] = ()
    from_day: date | None = None
    to_day: date | None = None
    time_zone: str | None = None
    compare: bool = False
    metrics: bool = False


async def usage_report(coffer: Coffer, actor: Actor, asked: UsageQuestion) -> UsageReport:
    """Usage over a range of days, by default the last 30, most credits first, or by time. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    check_keys(asked.group_by)
    zone = checked_zone(asked.time_zone)
    start, end = day_range(asked.from_day, asked.to_day, coffer.clock().astimezone(zone).date())
    async with coffer.database.snapshot() as session:
        wallet_ids = await _wallet_ids(session, actor, asked.wallets)
        scope = (session, actor.project_id, wallet_ids, asked.group_by)
        read = recorded if GroupBy.METRIC in asked.group_by else queries.used
        rows = await read(*scope, _span(start, end, zone, asked.group_by))
        if len(rows) > MAX_SLICES:
            raise InvalidInput(f"That is more than {MAX_SLICES} slices: ask for fewer days or keys.", field=["groupBy"])
        earlier = start - (end - start) - timedelta(days=1)
        before = None
        if asked.compare:
            before = await read(*scope, _span(earlier, start - timedelta(days=1), zone, asked.group_by))
        metrics = await metrics_used(session, actor, wallet_ids, (start, end), zone) if asked.metrics else ()
    slices = [UsageRow(_names(row.keys, asked.group_by), *row[1:]) for row in rows]
    check_units(sum(abs(row.units) for row in rows))
    sums = [sum(column) for column in zip(*(row[1:4] for row in rows), strict=True)] or [0, 0, 0]
    if is_by_time(asked.group_by):
        slices.sort(key=lambda row: tuple(row.keys))
    elif before is not None:
        known = {tuple(_names(row.keys, asked.group_by)): row.credits for row in before}
        slices = [replace(row, previous_credits=known.get(tuple(row.keys), 0)) for row in slices]
    previous = None if before is None else sum(row.credits for row in before)
    return UsageReport(start, end, zone.key, sums[0], sums[1], sums[2], previous, slices, metrics)


async def metrics_used(
    session: Session, actor: Actor, wallet_ids: Sequence[int] | None, days: tuple[date, date], zone: ZoneInfo
) -> list[UsageSlice]:
    """Recorded usage of wallets by metric, on the days of the use. InvalidInput when units can't be told."""
    keys = (GroupBy.METRIC,)
    rows = await recorded(session, actor.project_id, wallet_ids, keys, _span(*days, zone, keys))
    check_units(max((abs(row.units) for row in rows), default=0))
    return [UsageSlice(row.keys[0], row.credits, row.events, row.units, row.last_activity_at) for row in rows]


async def export_transactions(coffer: Coffer, actor: Actor, wallet: UUID | None) -> AsyncIterator[Any]:
    """Every row of a wallet, oldest first, read in pages while it is consumed. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)

    async def rows() -> AsyncIterator[Any]:
        after = 0
        while after < found.sequence:
            async with coffer.database.reading() as session:
                page = await following(session, found.id, after, EXPORT_ROWS)
            for row in page:
                yield row
            after = page[-1].sequence

    return rows()


async def fold_usage(coffer: Coffer) -> None:
    """Fold the rows of wallets where many wait, so that no query reads a long tail."""
    async with coffer.database.reading() as session:
        waiting = await queries.unfolded(session, FOLD_ROWS, SWEEP_WALLETS)
    for wallet_id in waiting:
        folded = FOLD_STEP_ROWS
        while folded == FOLD_STEP_ROWS:
            async with coffer.database.transaction() as session:
                folded = await queries.fold(session, wallet_id, FOLD_STEP_ROWS)


def _span(start: date, end: date, zone: ZoneInfo, group_by: Sequence[GroupBy]) -> queries.Span:
    """Days are read as such where no key splits them: by no time at all, or by whole days of UTC."""
    first, after = instants(start, end, zone)
    splits = GroupBy.HOUR in group_by or (zone.key != "UTC" and is_by_time(group_by))
    return queries.Span(first, after, *((after, after) if splits else whole_days(first, after)), zone.key)


async def _wallet_ids(session: Session, actor: Actor, wallets: Sequence[UUID | None] | None) -> list[int] | None:
    if wallets is None:
        return None
    if not 0 < len(wallets) <= MAX_WALLETS:
        raise InvalidInput(f"walletIds names 1 to {MAX_WALLETS} wallets.", field=["walletIds"])
    named = [wallet for wallet in wallets if wallet is not None]
    found = await wallet_queries.ids_of(session, actor.project_id, named)
    if len(found) < len(set(wallets)):
        raise NotFound("No such wallet in this project: see `wallets`.", field=["walletIds"])
    return found


def _names(keys: Sequence[str], group_by: Sequence[GroupBy]) -> list[str]:
    return [
        ("HOLD" if key == "0" else UsageCategory(int(key)).name) if group is GroupBy.CATEGORY else key
        for key, group in zip(keys, group_by, strict=True)
    ]
