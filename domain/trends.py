"""How fast credits are used, month beside month, and how storage grows: worked out from usage by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

WEEK_DAYS: Final = 7
FOUR_WEEKS_DAYS: Final = 28
STORED_MEGABYTES: Final = {"STORAGE_100MB": 100, "STORAGE_1GB": 1_000}
"""What a unit of a feature stores."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BurnRate:
    """Credits used a day; `trend` is the last 7 whole days beside the 7 before, 0.25 for a quarter more."""

    today: int
    per_day7: float
    per_day28: float
    trend: float | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class MonthToDate:
    """Credits of a month so far, beside as many days of the month before, and all of that."""

    month: date
    credits: int
    last_month_to_date: int
    last_month: int
    change: float | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class StoragePoint:
    """Storage bought in one period, and all since the range began."""

    key: str
    credits: int
    added_megabytes: int
    total_megabytes: int


@dataclass(frozen=True, slots=True)
class StorageGrowth:
    """Storage bought over a range of days, and in as many days before."""

    from_day: date
    to_day: date
    time_zone: str
    credits: int
    added_megabytes: int
    previous_megabytes: int
    per_day_megabytes: float
    points: Sequence[StoragePoint]


def first_day_needed(today: date) -> date:
    """From when usage by day is needed for both the burn rate and the month before."""
    return min(_last_month(today), today - timedelta(days=FOUR_WEEKS_DAYS - 1))


def burn_rate(by_day: Mapping[date, int], today: date, time_zone: str) -> BurnRate:
    """The burn rate on a day that is not over."""
    tomorrow = today + _DAY
    week, before = _sum(by_day, today, WEEK_DAYS), _sum(by_day, today - WEEK_DAYS * _DAY, WEEK_DAYS)
    return BurnRate(
        by_day.get(today, 0),
        _sum(by_day, tomorrow, WEEK_DAYS) / WEEK_DAYS,
        _sum(by_day, tomorrow, FOUR_WEEKS_DAYS) / FOUR_WEEKS_DAYS,
        _change(week, before),
        time_zone,
    )


def month_to_date(by_day: Mapping[date, int], today: date, time_zone: str) -> MonthToDate:
    """The month so far beside the same days of the month before, which may have fewer."""
    month, last = today.replace(day=1), _last_month(today)
    same = min(last + (today - month), month - _DAY)
    now = sum(credits for day, credits in by_day.items() if month <= day <= today)
    then = sum(credits for day, credits in by_day.items() if last <= day <= same)
    whole = sum(credits for day, credits in by_day.items() if last <= day < month)
    return MonthToDate(month, now, then, whole, _change(now, then), time_zone)


def storage_points(bought: Iterable[tuple[str, str, int, int]]) -> list[StoragePoint]:
    """Points in the order of their keys from (feature, key, credits, units)."""
    credits: dict[str, int] = {}
    megabytes: dict[str, int] = {}
    for feature, key, paid, units in bought:
        credits[key] = credits.get(key, 0) + paid
        megabytes[key] = megabytes.get(key, 0) + units * STORED_MEGABYTES.get(feature, 0)
    points, total = [], 0
    for key in sorted(credits):
        total += megabytes[key]
        points.append(StoragePoint(key, credits[key], megabytes[key], total))
    return points


def _sum(by_day: Mapping[date, int], end: date, days: int) -> int:
    """Credits of so many days before `end`."""
    return sum(by_day.get(end - number * _DAY, 0) for number in range(1, days + 1))


def _change(now: int, before: int) -> float | None:
    return now / before - 1 if before else None


def _last_month(today: date) -> date:
    return (today.replace(day=1) - _DAY).replace(day=1)
