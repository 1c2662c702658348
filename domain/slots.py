"""Which slots of folded usage make up a range of days: the coarsest that fit, quarters of an hour at the borders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.analytics import GroupBy
from domain.usage import instants, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from zoneinfo import ZoneInfo

OFFSETS: Final = frozenset({0, 330})
"""Minutes ahead of UTC whose days and months every project has: UTC's, and India's, where projects are billed."""

NEW_CLOCK_DAYS: Final = 7
"""Questions about more days of a clock are worth having these made."""

REMEMBERED_RANGES: Final = 1_024
_DAY: Final = timedelta(days=1)
_TIMES: Final = frozenset({GroupBy.HOUR, GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH})


class Grain(IntEnum):
    """How long a slot is."""

    QUARTER = 1
    """15 minutes: hours and days of every zone begin on one."""
    DAY = 2
    """A day of an offset."""
    MONTH = 3
    """A month of an offset."""
    WEEK = 4
    """A week of an offset, from Monday, of recorded usage of projects."""


class View(IntFlag):
    """By which keys slots are kept apart."""

    TOTAL = 0
    """By none."""
    FEATURE = 1
    """By feature and its category."""
    MEMBER = 2
    """By member."""
    API_KEY = 4
    """By API key."""
    ALL = 7
    """By all of them."""


_VIEW: Final = {
    GroupBy.FEATURE: View.FEATURE,
    GroupBy.CATEGORY: View.FEATURE,
    GroupBy.MEMBER: View.MEMBER,
    GroupBy.API_KEY: View.API_KEY,
}
_WITHIN: Final[dict[frozenset[GroupBy], tuple[Grain, ...]]] = {
    frozenset(): (Grain.MONTH, Grain.WEEK, Grain.DAY),
    frozenset({GroupBy.MONTH}): (Grain.MONTH, Grain.DAY),
    frozenset({GroupBy.WEEK}): (Grain.WEEK, Grain.DAY),
}
"""Slots that cross no border of these times, the coarsest first; days cross none of any others."""

_WHOLE: Final = {Grain.DAY: GroupBy.DAY, Grain.WEEK: GroupBy.WEEK, Grain.MONTH: GroupBy.MONTH}
PAIRS: Final = frozenset({View.FEATURE | View.MEMBER, View.FEATURE | View.API_KEY, View.MEMBER | View.API_KEY})
"""Views of a project that have no quarters."""

OF_MONTHS: Final = frozenset({View.TOTAL, View.FEATURE, View.ALL})
"""Views of a wallet's months."""


class Kept(NamedTuple):
    """What slots there are: days of which offsets, when the first and the last quarter begin, and whether weeks.

    `months` of wallets know each of their days, so that no other slot need stand for these.
    """

    offsets: Collection[int] = OFFSETS
    oldest: datetime | None = None
    newest: datetime | None = None
    weeks: bool = False
    months: bool = False


EVERY_PROJECT: Final = Kept()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots of one grain and offset that begin from `start` to before `end`."""

    grain: Grain
    utc_offset: int
    start: datetime
    end: datetime


def view_of(group_by: Sequence[GroupBy], category: int | None = None) -> View:
    """The view that knows these keys, and a category if one is named, and as little else as can be."""
    view = View.TOTAL if category is None else View.FEATURE
    for key in group_by:
        view |= _VIEW.get(key, View.TOTAL)
    return view


def is_together(wallets: Sequence[int] | None, group_by: Sequence[GroupBy]) -> bool:
    """Whether the project's own slots answer: every wallet (None), not kept apart."""
    return wallets is None and GroupBy.WALLET not in group_by


def is_by_time(group_by: Sequence[GroupBy]) -> bool:
    """Whether some key is an hour, day, week or month."""
    return not _TIMES.isdisjoint(group_by)


def is_whole(grain: Grain, group_by: Collection[GroupBy]) -> bool:
    """Whether each slot of this grain, among those that `stretches` chose, is all of a time that the keys ask for."""
    return _WHOLE.get(grain) in group_by


def missing_clocks(
    start: date, end: date, zone: ZoneInfo, group_by: Collection[GroupBy], known: Collection[int]
) -> set[int]:
    """Clocks, as minutes ahead of UTC, whose days would make the question fast."""
    times = _TIMES.intersection(group_by)
    if not times or GroupBy.HOUR in times:
        return set()
    long = {offset for offset, begins, ends in _runs(start, end, zone) if ends - begins >= NEW_CLOCK_DAYS * _DAY}
    return {offset for offset in long if offset is not None}.difference(known)


def stretches(
    start: date, end: date, zone: ZoneInfo, group_by: Collection[GroupBy], kept: Kept = EVERY_PROJECT
) -> list[Stretch]:
    """What covers the days from `start` to `end` without crossing a border that the keys ask for."""
    first, after = instants(start, end, zone)
    times = _TIMES.intersection(group_by)
    if GroupBy.HOUR in times:
        return [Stretch(Grain.QUARTER, 0, first, after)]
    runs = _runs(start, end, zone)
    within = (Grain.DAY,) if kept.months else _WITHIN.get(times, (Grain.DAY,))
    grains = [grain for grain in within if kept.weeks or grain is not Grain.WEEK]
    if not times and (len(runs) > 1 or runs[0][0] not in kept.offsets):
        clocks = [clock for clock in (runs[0][0], runs[-1][0]) if clock is not None and clock in kept.offsets]
        covers = [_cover(*_widened(first, after, clock, grains[0], kept), clock, grains) for clock in (*clocks, 0)]
        return min(covers, key=_quarters)
    found: list[Stretch] = []
    for offset, run_start, run_end in runs:
        if offset is not None and offset in kept.offsets:
            found += _cover(*_widened(run_start, run_end, offset, grains[0], kept), offset, grains)
        else:
            found.append(Stretch(Grain.QUARTER, 0, run_start, run_end))
    return found


def _quarters(covering: Sequence[Stretch]) -> timedelta:
    """How much of a cover is quarters of an hour."""
    return sum((part.end - part.start for part in covering if part.grain is Grain.QUARTER), timedelta())


@lru_cache(REMEMBERED_RANGES)
def _runs(start: date, end: date, zone: ZoneInfo) -> list[tuple[int | None, datetime, datetime]]:
    """Runs of days with one offset in minutes, as instants; a day on which the clock is set has none."""
    runs: list[tuple[int | None, datetime, datetime]] = []
    day, begins = start, midnight(start, zone)
    while day <= end:
        ends = midnight(day + _DAY, zone)
        ahead = datetime.combine(day, time(), UTC) - begins
        offset = int(ahead / timedelta(minutes=1)) if ends - begins == _DAY else None
        if runs and runs[-1][0] == offset:
            runs[-1] = (offset, runs[-1][1], ends)
        else:
            runs.append((offset, begins, ends))
        day, begins = day + _DAY, ends
    return runs


def _widened(start: datetime, end: datetime, offset: int, grain: Grain, kept: Kept) -> tuple[datetime, datetime]:
    """Whole slots of an offset at the ends beyond which nothing was used: one month then stands for its days."""
    ahead = timedelta(minutes=offset)
    begin_of, longest = _BEGIN[grain]
    if kept.oldest and start <= kept.oldest:
        start = begin_of(start + ahead) - ahead
    if kept.newest and end > kept.newest:
        end = _next(end + ahead, begin_of, longest) - ahead
    return start, end


def _cover(start: datetime, end: datetime, offset: int, grains: Sequence[Grain]) -> list[Stretch]:
    """Slots of an offset between two instants, the coarsest grain that fits first, quarters at the borders."""
    if start >= end:
        return []
    if not grains:
        return [Stretch(Grain.QUARTER, 0, start, end)]
    ahead = timedelta(minutes=offset)
    begin_of, longest = _BEGIN[grains[0]]
    first, last = _next(start + ahead, begin_of, longest) - ahead, begin_of(end + ahead) - ahead
    if first >= last:
        return _cover(start, end, offset, grains[1:])
    before, after = _cover(start, first, offset, grains[1:]), _cover(last, end, offset, grains[1:])
    return [*before, Stretch(grains[0], offset, first, last), *after]


def _next(at: datetime, begin_of: Callable[[datetime], datetime], longest: timedelta) -> datetime:
    """When the first slot that begins then or later does."""
    begins = begin_of(at)
    return begins if begins == at else begin_of(begins + longest)


def _day_of(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _week_of(at: datetime) -> datetime:
    return _day_of(at) - at.weekday() * _DAY


def _month_of(at: datetime) -> datetime:
    return _day_of(at).replace(day=1)


_BEGIN: Final = {
    Grain.DAY: (_day_of, _DAY),
    Grain.WEEK: (_week_of, 7 * _DAY),
    Grain.MONTH: (_month_of, 31 * _DAY),
}
"""When the slot of a time begins, and how long one is at most."""
