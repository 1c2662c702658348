"""Usage of wallets or of a whole project by any keys in any time zone, exact at commit time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db import folds
from domain.analytics import GroupBy, UsageSlice, day_range
from domain.permissions import Actor, Permission
from domain.slots import is_by_time
from domain.usage import UsageReport, check_keys, checked_zone
from services.usage_figures import Days, figures, scope_of, want_clocks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from domain.pricing import UsageCategory
    from domain.usage import UsageRow
    from services.coffer import Coffer

FOLD_ROWS: Final = 500
"""Rows of a project that may wait for the fold; a query reads them by primary key."""

FOLD_STEP_ROWS: Final = 50_000
FOLD_CHANGES: Final = 500
"""Changes of a project's sums of recorded usage that may wait for the fold; questions of the project read them all."""

FOLD_STEP_CHANGES: Final = 20_000
CLOCK_STEP_ROWS: Final = 200_000
CLOCK_STEPS: Final = 6
"""Steps of one run that makes the days of clocks; a step is one commit, between which folds go on."""


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What is asked: of which wallets (None: the whole project), by which keys, on which days of which zone.

    `compare` reads as many days before as well; `category` leaves the other categories out; `metrics` reads recorded
    usage by metric besides.
    """

    wallets: Sequence[UUID | None] | None = None
    group_by: Sequence[GroupBy] = ()
    from_day: date | None = None
    to_day: date | None = None
    time_zone: str | None = None
    compare: bool = False
    category: UsageCategory | None = None
    metrics: bool = False


async def usage_report(coffer: Coffer, actor: Actor, asked: UsageQuestion) -> UsageReport:
    """Usage over a range of days, by default the last 30, most credits first, or by time. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    days = days_of(coffer, asked)
    start, end = days.start, days.end
    earlier = start - (end - start) - timedelta(days=1)
    before = None
    async with coffer.database.snapshot() as session:
        scope = await scope_of(session, actor, asked.wallets)
        slices = await figures(coffer.figures, session, scope, days)
        if asked.compare:
            past = replace(days, start=earlier, end=start - timedelta(days=1))
            before = await figures(coffer.figures, session, scope, past)
        by_metric = replace(days, group_by=(GroupBy.METRIC,))
        metrics = await figures(coffer.figures, session, scope, by_metric) if asked.metrics else []
    await want_clocks(coffer, scope, days)
    credits, events, units = map(sum, [*zip(*slices, strict=True)][1:4] or ((), (), ()))
    previous = None if before is None else sum(row.credits for row in before)
    if before is not None and not is_by_time(asked.group_by):
        known = {tuple(row.keys): row.credits for row in before}
        slices = [row._replace(previous_credits=known.get(tuple(row.keys), 0)) for row in slices]
    return UsageReport(start, end, days.zone.key, credits, events, units, previous, slices, by_key(metrics), before)


def by_key(rows: Sequence[UsageRow]) -> list[UsageSlice]:
    """Rows of one key."""
    return [UsageSlice(row.keys[0], row.credits, row.events, row.units, row.last_activity_at) for row in rows]


def days_of(coffer: Coffer, asked: UsageQuestion) -> Days:
    """What is asked, with its defaults. InvalidInput."""
    check_keys(asked.group_by)
    zone = checked_zone(asked.time_zone)
    today = coffer.clock().astimezone(zone).date()
    return Days(*day_range(asked.from_day, asked.to_day, today), zone, asked.group_by, asked.category)


async def fold_usage(coffer: Coffer) -> None:
    """Fold the rows of projects where many wait, so that no query reads a long tail."""
    await _fold(coffer, folds.LEDGER, FOLD_ROWS, FOLD_STEP_ROWS)


async def fold_recorded(coffer: Coffer) -> None:
    """The same for changes of projects' sums of recorded usage, which come as fast as events."""
    await _fold(coffer, folds.RECORDED, FOLD_CHANGES, FOLD_STEP_CHANGES)


async def _fold(coffer: Coffer, backlog: folds.Backlog, enough_rows: int, step_rows: int) -> None:
    async with coffer.database.reading() as session:
        waiting = await folds.unfolded(session, backlog, enough_rows)
    for project_id in waiting:
        folded = step_rows
        while folded >= step_rows:
            async with coffer.database.transaction() as session:
                folded = await folds.fold(session, backlog, project_id, step_rows)


async def make_clocks(coffer: Coffer) -> None:
    """Make days of clocks that projects asked for."""
    async with coffer.database.reading() as session:
        waiting = await folds.unmade(session)
    steps = CLOCK_STEPS
    for project_id, utc_offset in waiting:
        more = True
        while more and steps:
            async with coffer.database.transaction() as session:
                more = await folds.make_clock(session, project_id, utc_offset, CLOCK_STEP_ROWS)
            steps -= 1
