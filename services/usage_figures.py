"""Sums of usage by keys, worked out from the folded slots or remembered from the last time that nothing had changed."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from db import folds, recorded
from db import usage as queries
from db import wallets as wallet_queries
from domain.analytics import GroupBy
from domain.errors import Busy, InvalidInput, NotFound
from domain.pricing import UsageCategory
from domain.slots import OFFSETS, Kept, is_together, missing_clocks, stretches
from domain.usage import UsageRow, check_units, instants

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from db.database import Session
    from domain.permissions import Actor
    from live.figures import Figures
    from services.coffer import Coffer

MAX_WALLETS: Final = 100
"""Wallets that one question names; none named is the whole project."""

MAX_SLICES: Final = 10_000
"""Slices of one report: a day of each hour and member of a large project, not more."""

MAX_RECORDED_LINES: Final = 100_000
"""Lines of an export by metric, which are in memory at once (40 MB)."""

MAX_WAITING_ROWS: Final = 500_000
"""Rows that may wait for the fold before figures are refused: only a ledger that was just upgraded has so many."""

MAX_WAITING_CHANGES: Final = 500_000
"""Changes of a project's recorded usage that may wait for the fold before its figures are refused."""

REMEMBERED_SLICES: Final = 1_000
"""A figure with more slices would be too large to be kept."""

_CATEGORIES: Final = {0: "HOLD"} | {category.value: category.name for category in UsageCategory}
_NAMERS: Final[dict[GroupBy, Callable[[Any], str]]] = {
    GroupBy.CATEGORY: _CATEGORIES.__getitem__,
    GroupBy.WALLET: lambda key: f"wal_{key.hex}",
    GroupBy.HOUR: lambda key: f"{key:%Y-%m-%dT%H:%MZ}",
    GroupBy.DAY: date.isoformat,
    GroupBy.WEEK: date.isoformat,
    GroupBy.MONTH: lambda key: f"{key:%Y-%m}",
}
"""How a key is written that is no text."""

_FORMAT: Final = 2
"""Raised when what is remembered changes its form."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose usage it is (None: every wallet of the project), and what there is of it."""

    project_id: int
    wallet_ids: Sequence[int] | None
    state: queries.State


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a time zone, inclusive, by keys, and of one category if it names one."""

    start: date
    end: date
    zone: ZoneInfo
    group_by: Sequence[GroupBy]
    category: UsageCategory | None = None


async def scope_of(session: Session, actor: Actor, wallets: Sequence[UUID | None] | None) -> Scope:
    """The wallets that a question names, as they are now. NotFound, InvalidInput, Busy."""
    wallet_ids = await wallet_ids_of(session, actor, wallets)
    state = await queries.state(session, actor.project_id, wallet_ids)
    if state.waiting > MAX_WAITING_ROWS:
        raise Busy(f"{state.waiting} transactions are still being summed up: ask again in a minute.")
    return Scope(actor.project_id, wallet_ids, state)


async def figures(remembered: Figures, session: Session, scope: Scope, days: Days) -> list[UsageRow]:
    """Usage by the keys, most credits first, or by time. InvalidInput when there are too many slices or units."""
    if GroupBy.METRIC in days.group_by:
        # Not remembered: what is recorded without a charge moves no wallet's sequence.
        return _checked(await _recorded(session, scope, days, MAX_SLICES + 1), days)
    question = _question(scope, days)
    found = await remembered.find(question, scope.state.version)
    if found is not None:
        return [UsageRow(tuple(row[0]), row[1], row[2], row[3], datetime.fromisoformat(row[4])) for row in found]
    rows = await queries.used(session, scope.project_id, scope.wallet_ids, _asked(days, scope), MAX_SLICES + 1)
    slices = _checked(rows, days)
    if len(slices) <= REMEMBERED_SLICES:
        await remembered.keep(question, scope.state.version, [row[:5] for row in slices])
    return slices


async def every_figure(session: Session, scope: Scope, days: Days) -> AsyncGenerator[UsageRow, None]:
    """The same, however many there are, as usage of the ledger is read bit by bit; by metric MAX_RECORDED_LINES.

    InvalidInput.
    """
    if GroupBy.METRIC in days.group_by:
        found = await _recorded(session, scope, days, MAX_RECORDED_LINES + 1)
        if len(found.credits) > MAX_RECORDED_LINES:
            message = f"That is more than {MAX_RECORDED_LINES} lines: ask for fewer days or wallets."
            raise InvalidInput(message, field=["groupBy"])
        for row in _rows(found, days.group_by):
            yield row
        return
    namers = [_NAMERS.get(key, str) for key in days.group_by]
    rows = queries.streamed(session, scope.project_id, scope.wallet_ids, _asked(days, scope))
    async with aclosing(rows):
        async for row in rows:
            keys = tuple(namer(key) for namer, key in zip(namers, row, strict=False))
            yield UsageRow(keys, *row[len(keys) :])


def _rows(found: queries.Figures, group_by: Sequence[GroupBy]) -> Iterator[UsageRow]:
    """Slices with their keys' names, each of which is made once; rows are made while they are read."""
    keys = [_named(column, _NAMERS.get(key)) for key, column in zip(group_by, found.keys, strict=True)]
    combined = zip(*keys, strict=True) if keys else [()] * len(found.credits)
    return map(UsageRow, combined, *found[1:])


async def want_clocks(coffer: Coffer, scope: Scope, days: Days) -> None:
    """Have the days of the question's zone made, so that the next question about them is fast."""
    wanted = scope.state.wanted
    missing = missing_clocks(days.start, days.end, days.zone, days.group_by, wanted)
    if missing and len(wanted - OFFSETS) < folds.MOST_CLOCKS:
        async with coffer.database.transaction() as session:
            await folds.want_clocks(session, scope.project_id, missing)


def _checked(found: queries.Figures, days: Days) -> list[UsageRow]:
    if len(found.credits) > MAX_SLICES:
        raise InvalidInput(f"That is more than {MAX_SLICES} slices: ask for fewer days or keys.", field=["groupBy"])
    check_units(sum(map(abs, found.units)))
    return list(_rows(found, days.group_by))


def _named(column: Sequence[Any], namer: Callable[[Any], str] | None) -> Sequence[str]:
    if namer is None:
        return column
    names = {key: namer(key) for key in set(column)}
    return [names[key] for key in column]


async def _recorded(session: Session, scope: Scope, days: Days, limit: int) -> queries.Figures:
    """Recorded usage, in the snapshot of the scope. Busy."""
    of_project = is_together(scope.wallet_ids, days.group_by)
    weeks = of_project and GroupBy.API_KEY not in days.group_by
    state = await recorded.state(session, scope.project_id, MAX_WAITING_CHANGES)
    if of_project and state.waiting > MAX_WAITING_CHANGES:
        raise Busy("Recorded usage is still being summed up: ask again in a minute.")
    kept = Kept(scope.state.made, state.oldest, state.newest, weeks)
    return await recorded.recorded(session, scope.project_id, scope.wallet_ids, _covered(days, kept), limit)


def _asked(days: Days, scope: Scope) -> queries.Asked:
    state = scope.state
    months = not is_together(scope.wallet_ids, days.group_by)
    return _covered(days, Kept(state.made, state.oldest, state.newest, months=months))


def _covered(days: Days, kept: Kept) -> queries.Asked:
    first, after = instants(days.start, days.end, days.zone)
    covering = stretches(days.start, days.end, days.zone, days.group_by, kept)
    return queries.Asked(days.group_by, days.category, first, after, days.zone.key, covering)


def _question(scope: Scope, days: Days) -> str:
    wallets = None if scope.wallet_ids is None else sorted(scope.wallet_ids)
    when = (days.start, days.end, days.zone.key)
    return orjson.dumps([_FORMAT, scope.project_id, wallets, *when, list(days.group_by), days.category]).decode()


async def wallet_ids_of(session: Session, actor: Actor, wallets: Sequence[UUID | None] | None) -> list[int] | None:
    """The wallets that are named, 1 to MAX_WALLETS, or None for the whole project. NotFound, InvalidInput."""
    if wallets is None:
        return None
    if not 0 < len(wallets) <= MAX_WALLETS:
        raise InvalidInput(f"walletIds names 1 to {MAX_WALLETS} wallets.", field=["walletIds"])
    named = [wallet for wallet in wallets if wallet is not None]
    found = await wallet_queries.ids_of(session, actor.project_id, named)
    if len(found) < len(set(wallets)):
        raise NotFound("No such wallet in this project: see `wallets`.", field=["walletIds"])
    return found
