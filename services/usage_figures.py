"""Sums of usage by keys, worked out from the folded slots or remembered from the last time that nothing had changed."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from db import usage as queries
from db import wallets as wallet_queries
from db.recorded import recorded
from domain.analytics import GroupBy
from domain.errors import Busy, InvalidInput, NotFound
from domain.pricing import UsageCategory
from domain.slots import OFFSETS, missing_clocks, stretches
from domain.usage import UsageRow, check_units, instants

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Sequence
    from datetime import date
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

MAX_WAITING_ROWS: Final = 500_000
"""Rows that may wait for the fold before figures are refused: only a ledger that was just upgraded has so many."""

REMEMBERED_SLICES: Final = 1_000
"""A figure with more slices would be too large to be kept."""

_CATEGORIES: Final = {"0": "HOLD"} | {str(category.value): category.name for category in UsageCategory}
_FORMAT: Final = 1
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
    wallet_ids = await _wallet_ids(session, actor, wallets)
    state = await queries.state(session, actor.project_id, wallet_ids)
    if state.waiting > MAX_WAITING_ROWS:
        raise Busy(f"{state.waiting} transactions are still being summed up: ask again in a minute.")
    return Scope(actor.project_id, wallet_ids, state)


async def figures(remembered: Figures, session: Session, scope: Scope, days: Days) -> list[UsageRow]:
    """Usage by the keys, most credits first, or by time. InvalidInput when there are too many slices or units."""
    if GroupBy.METRIC in days.group_by:
        # Not remembered: what is recorded without a charge moves no wallet's sequence.
        asked = _asked(days, OFFSETS)
        return _checked(await recorded(session, scope.project_id, scope.wallet_ids, asked, MAX_SLICES + 1), days)
    question = _question(scope, days)
    found = await remembered.find(question, scope.state.version)
    if found is not None:
        return [UsageRow(tuple(row[0]), row[1], row[2], row[3], datetime.fromisoformat(row[4])) for row in found]
    asked = _asked(days, scope.state.made)
    rows = await queries.used(session, scope.project_id, scope.wallet_ids, asked, MAX_SLICES + 1)
    slices = _checked(rows, days)
    if len(slices) <= REMEMBERED_SLICES:
        figure = [(s.keys, s.credits, s.events, s.units, s.last_activity_at.isoformat()) for s in slices]
        await remembered.keep(question, scope.state.version, figure)
    return slices


async def every_figure(session: Session, scope: Scope, days: Days) -> AsyncGenerator[UsageRow, None]:
    """The same, however many there are; usage of the ledger is read bit by bit."""
    read = _reader(days.group_by)
    if GroupBy.METRIC in days.group_by:
        for row in await recorded(session, scope.project_id, scope.wallet_ids, _asked(days, OFFSETS), None):
            yield read(row)
        return
    asked = _asked(days, scope.state.made)
    async with aclosing(queries.streamed(session, scope.project_id, scope.wallet_ids, asked)) as rows:
        async for row in rows:
            yield read(row)


async def want_clocks(coffer: Coffer, scope: Scope, days: Days) -> None:
    """Have the days of the question's zone made, so that the next question about them is fast."""
    wanted = scope.state.wanted
    missing = missing_clocks(days.start, days.end, days.zone, days.group_by, wanted)
    if missing and GroupBy.METRIC not in days.group_by and len(wanted - OFFSETS) < queries.MOST_CLOCKS:
        async with coffer.database.transaction() as session:
            await queries.want_clocks(session, scope.project_id, missing)


def _checked(rows: Sequence[Any], days: Days) -> list[UsageRow]:
    if len(rows) > MAX_SLICES:
        raise InvalidInput(f"That is more than {MAX_SLICES} slices: ask for fewer days or keys.", field=["groupBy"])
    read = _reader(days.group_by)
    slices = [read(row) for row in rows]
    check_units(sum(map(abs, map(attrgetter("units"), slices))))
    return slices


def _asked(days: Days, offsets: Collection[int]) -> queries.Asked:
    first, after = instants(days.start, days.end, days.zone)
    covering = stretches(days.start, days.end, days.zone, days.group_by, offsets)
    return queries.Asked(days.group_by, days.category, first, after, days.zone.key, covering)


def _question(scope: Scope, days: Days) -> str:
    wallets = None if scope.wallet_ids is None else sorted(scope.wallet_ids)
    when = (days.start, days.end, days.zone.key)
    return orjson.dumps([_FORMAT, scope.project_id, wallets, *when, list(days.group_by), days.category]).decode()


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


def _reader(group_by: Sequence[GroupBy]) -> Callable[[Sequence[Any]], UsageRow]:
    """What makes a slice of a row."""
    keys = len(group_by)
    if GroupBy.CATEGORY not in group_by:
        return lambda row: UsageRow(row[:keys], *row[keys:])
    place = group_by.index(GroupBy.CATEGORY)
    before, after = slice(place), slice(place + 1, keys)
    return lambda row: UsageRow((*row[before], _CATEGORIES[row[place]], *row[after]), *row[keys:])
