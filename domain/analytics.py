"""What usage figures look like, and the plain run-rate forecast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOP_FEATURES: Final = 5
BURN_RATE_DAYS: Final = 7
HISTORY_DAYS: Final = 56
MAX_RANGE_DAYS: Final = 400
MAX_HORIZON_DAYS: Final = 365
NEXT_MONTH_DAYS: Final = 30
MINIMUM_HISTORY_DAYS: Final = 14
Z_80_PERCENT: Final = 1.2815515655446004
"""Standard deviations on each side of a range that holds 80 % of a normal distribution."""


class GroupBy(IntEnum):
    """By what usage is broken down."""

    FEATURE = 1
    """One slice for each feature."""
    CATEGORY = 2
    """One slice for each category."""
    MEMBER = 3
    """One slice for each member."""
    DAY = 4
    """One slice for each UTC day."""


@dataclass(frozen=True, slots=True)
class UsageSlice:
    """Usage of one feature, category, member or day."""

    key: str
    credits: int
    events: int
    last_activity_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """Usage of a wallet over a range of days, with today and this month beside it (UTC days)."""

    credits: int
    events: int
    burn_rate_per_day: float
    today: int
    month_to_date: int
    top_features: Sequence[UsageSlice]


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """The credits expected on one day, with the range that should hold 80 % of such days."""

    date: date
    expected: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class UsageForecast:
    """The credits expected over the next 30 days and day by day over the horizon."""

    next_month_credits: int
    lower: int
    upper: int
    points: Sequence[ForecastPoint]
    runway_days: float | None
    model: str


def day_range(from_day: date | None, to_day: date | None, today: date) -> tuple[date, date]:
    """Both days of a range, inclusive; the default is the 30 days that end today. InvalidInput."""
    end = to_day or today
    start = from_day or end - timedelta(days=NEXT_MONTH_DAYS - 1)
    if start > end:
        raise InvalidInput("`from` is after `to`.", field=["from"])
    if (end - start).days >= MAX_RANGE_DAYS:
        raise InvalidInput(f"A range has at most {MAX_RANGE_DAYS} days.", field=["from"])
    return start, end


def daily_series(by_day: Mapping[date, int], today: date) -> list[int]:
    """Whole days of history, oldest first: from the first day with usage (at most HISTORY_DAYS back) to yesterday."""
    days = [today - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
    series = [by_day.get(day, 0) for day in days]
    first = next((index for index, credits in enumerate(series) if credits), len(series))
    return series[first:]


def run_rate_forecast(series: Sequence[int], available: int, today: date, horizon_days: int) -> UsageForecast:
    """Forecast each weekday's mean with a normal 80 % range; under two weeks of history, the plain daily mean.

    Days are taken as independent, so the range of a sum grows with the square root of its days. InvalidInput.
    """
    if not 1 <= horizon_days <= MAX_HORIZON_DAYS:
        raise InvalidInput(f"horizonDays is 1 to {MAX_HORIZON_DAYS}.", field=["horizonDays"])
    mean = sum(series) / len(series) if series else 0.0
    enough = len(series) >= MINIMUM_HISTORY_DAYS
    levels = _weekday_levels(series) if enough else [mean] * 7
    # The day after the series' last is today, whose level is levels[0].
    spread = Z_80_PERCENT * _residual_deviation(series, levels if enough else [mean] * 7)
    points = [
        ForecastPoint(today + timedelta(days=ahead), level, max(0.0, level - spread), level + spread)
        for ahead in range(1, horizon_days + 1)
        for level in (levels[ahead % 7],)
    ]
    month = sum(levels[ahead % 7] for ahead in range(1, NEXT_MONTH_DAYS + 1))
    wide = spread * math.sqrt(NEXT_MONTH_DAYS)
    return UsageForecast(
        next_month_credits=round(month),
        lower=round(max(0.0, month - wide)),
        upper=round(month + wide),
        points=points,
        runway_days=available / mean if mean else None,
        model="WEEKDAY_MEAN" if enough else "INSUFFICIENT_HISTORY",
    )


def _weekday_levels(series: Sequence[int]) -> list[float]:
    """The mean of each weekday, counted forward from the day after the series ends."""
    levels = []
    for ahead in range(7):
        same = [series[index] for index in range(len(series)) if (len(series) - index + ahead) % 7 == 0]
        levels.append(sum(same) / len(same))
    return levels


def _residual_deviation(series: Sequence[int], levels: Sequence[float]) -> float:
    if len(series) < 2:  # noqa: PLR2004 - a deviation needs two days
        return 0.0
    residuals = [value - levels[(index - len(series)) % 7] for index, value in enumerate(series)]
    return math.sqrt(sum(residual**2 for residual in residuals) / (len(residuals) - 1))
