"""Which slots of folded usage make up a range of days: months and days where they fit, quarters at the borders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import TYPE_CHECKING, Final

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
_LONGEST_MONTH: Final = timedelta(days=31)
_TIMES: Final = frozenset({GroupBy.HOUR, GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH})


class Grain(IntEnum):
    """How long a slot is."""

    QUARTER = 1
    """15 minutes: hours and days of every zone begin on one."""
    DAY = 2
    """A day of an offset."""
    MONTH = 3
    """A month of an offset."""


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
PAIRS: Final = frozenset({View.FEATURE | View.MEMBER, View.FEATURE | View.API_KEY, View.MEMBER | View.API_KEY})
"""Views of a project that have no quarters."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots of one grain and offset that begin from `start` to before `end`."""

    grain: Grain
    utc_offset: int
    start: datetime
    end: datetime


def view_of(group_by: Sequence[GroupBy]) -> View:
    """The view that knows these keys and as little else as can be."""
    view = View.TOTAL
    for key in group_by:
        view |= _VIEW.get(key, View.TOTAL)
    return view


def is_by_time(group_by: Sequence[GroupBy]) -> bool:
    """Whether some key is an hour, day, week or month."""
    return not _TIMES.isdisjoint(group_by)


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
    start: date, end: date, zone: ZoneInfo, group_by: Collection[GroupBy], offsets: Collection[int] = OFFSETS
) -> list[Stretch]:
    """What covers the days from `start` to `end` without crossing a border that the keys ask for."""
    first, after = instants(start, end, zone)
    times = _TIMES.intersection(group_by)
    if GroupBy.HOUR in times:
        return [Stretch(Grain.QUARTER, 0, first, after)]
    runs = _runs(start, end, zone)
    months = times <= {GroupBy.MONTH}
    if not times and (len(runs) > 1 or runs[0][0] not in offsets):
        return _cover(first, after, 0, months=True)
    found: list[Stretch] = []
    for offset, run_start, run_end in runs:
        if offset is not None and offset in offsets:
            found += _cover(run_start, run_end, offset, months=months)
        else:
            found.append(Stretch(Grain.QUARTER, 0, run_start, run_end))
    return found


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


def _cover(start: datetime, end: datetime, offset: int, *, months: bool) -> list[Stretch]:
    """Months and days of an offset between two instants, quarters where no whole day fits."""
    ahead = timedelta(minutes=offset)
    first_day, last_day = _whole(start + ahead, end + ahead, _day_of, _DAY)
    first_month, last_month = _whole(first_day, last_day, _month_of, _LONGEST_MONTH) if months else (last_day, last_day)
    borders = [start, first_day - ahead, first_month - ahead, last_month - ahead, last_day - ahead, end]
    grains = [Grain.QUARTER, Grain.DAY, Grain.MONTH, Grain.DAY, Grain.QUARTER]
    return [
        Stretch(grain, 0 if grain is Grain.QUARTER else offset, a, b)
        for grain, a, b in zip(grains, borders[:-1], borders[1:], strict=True)
        if a < b
    ]


def _whole(
    start: datetime, end: datetime, begin_of: Callable[[datetime], datetime], step: timedelta
) -> tuple[datetime, datetime]:
    """The whole days or months between two times; `end` twice when there are none."""
    first, last = begin_of(start), begin_of(end)
    if first < start:
        first = begin_of(first + step)
    return (first, last) if first < last else (end, end)


def _day_of(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _month_of(at: datetime) -> datetime:
    return _day_of(at).replace(day=1)
