"""What usage figures look like, and the plain run-rate forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput
from domain.limits import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

TOP_FEATURES: Final = 5
MAX_RANGE_DAYS: Final = 400
DEFAULT_RANGE_DAYS: Final = 30


class GroupBy(IntEnum):
    """By what usage is broken down."""

    FEATURE = 1
    """One slice for each feature."""
    CATEGORY = 2
    """One slice for each category."""
    MEMBER = 3
    """One slice for each member."""
    DAY = 4
    """One slice for each day."""
    API_KEY = 5
    """One slice for each API key."""
    WALLET = 6
    """One slice for each wallet."""
    HOUR = 7
    """One slice for each hour, named by the UTC instant at which it begins."""
    WEEK = 8
    """One slice for each week, named by its Monday."""
    MONTH = 9
    """One slice for each month."""
    METRIC = 10
    """One slice for each metric: recorded usage alone, on the days of the use, with what was charged for it."""


@dataclass(frozen=True, slots=True)
class UsageSlice:
    """Usage of one feature, category, member, day or metric."""

    key: str
    credits: int
    events: int
    units: int
    last_activity_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """Usage of a wallet over a range of days, with today and this month of the same time zone beside it."""

    credits: int
    events: int
    burn_rate_per_day: float
    today: int
    month_to_date: int
    top_features: Sequence[UsageSlice]
    metrics: Sequence[UsageSlice]


def day_range(from_day: date | None, to_day: date | None, today: date) -> tuple[date, date]:
    """Both days of a range, inclusive; the default is the 30 days that end today. InvalidInput."""
    for name, day in (("from", from_day), ("to", to_day)):
        check_day(day, name)
    end = to_day or today
    start = from_day or end - timedelta(days=DEFAULT_RANGE_DAYS - 1)
    check_order(start, end)
    if (end - start).days >= MAX_RANGE_DAYS:
        raise InvalidInput(f"A range has at most {MAX_RANGE_DAYS} days.", field=["from"])
    return start, end


def check_day(day: date | None, name: str) -> None:
    """InvalidInput for a day, where there is one, of a year that no clock shows."""
    if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput(f"`{name}` is in a year from {FIRST_YEAR} to {LAST_YEAR}.", field=[name])


def check_order(start: date, end: date) -> None:
    """InvalidInput for a range that ends before it begins."""
    if start > end:
        raise InvalidInput(f"`from` ({start}) is after `to` ({end}; today when you name none).", field=["from"])
