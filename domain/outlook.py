"""A wallet's forecast as callers see it, and a past one beside what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.errors import InvalidInput
from domain.forecasts import (
    INSUFFICIENT_HISTORY,
    MAX_HORIZON_DAYS,
    MINIMUM_HISTORY_DAYS,
    NEXT_MONTH_DAYS,
    WEEKDAY_MEAN,
    Runway,
    UsageModel,
    day_bands,
    runway,
    total_band,
)
from domain.smoothing import plain_model
from domain.spikes import outliers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.pricing import UsageCategory

RECENT_DAYS: Final = 56
"""What is read when a forecast is asked for: enough for a plain one and for spikes."""

SPIKE_DAYS: Final = 30
STALE_DAYS: Final = 7
"""A stored forecast older than this is not shown any more."""

DEFAULT_ALERT_DAYS: Final = 7
MAX_ALERT_DAYS: Final = 365
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """The credits expected on one day, with the range that should hold 80 % of such days."""

    date: date
    expected: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class UsageSpike:
    """A day whose usage stands out, today included."""

    date: date
    category: UsageCategory
    credits: int
    usual: float


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model, the day it was made (its day 1), and the whole days that it was fitted to; none when there were none."""

    model: UsageModel
    made_on: date
    history_from: date | None
    history_to: date | None


@dataclass(frozen=True, slots=True)
class UsageForecast:
    """The credits expected over the next 30 days, and over the horizon in all and day by day."""

    next_month_credits: int
    lower: int
    upper: int
    horizon_credits: int
    horizon_lower: int
    horizon_upper: int
    points: Sequence[ForecastPoint]
    runway: Runway
    spikes: Sequence[UsageSpike]
    model: str
    made_on: date
    history_from: date | None
    history_to: date | None

    @property
    def runway_days(self) -> float | None:
        """The likely runway."""
        return self.runway.likely_days


@dataclass(frozen=True, slots=True)
class AccuracyPoint:
    """What was expected of one day, and what it came to."""

    date: date
    expected: float
    lower: float
    upper: float
    actual: int


@dataclass(frozen=True, slots=True)
class ForecastAccuracy:
    """The first forecast of a month beside what happened on its days, as far as they are over."""

    from_day: date
    to_day: date
    expected: int
    lower: int
    upper: int
    actual: int
    points: Sequence[AccuracyPoint]
    model: str
    history_from: date
    history_to: date

    @property
    def within_range(self) -> bool:
        """Whether the total is inside its 80 % range."""
        return self.lower <= self.actual <= self.upper

    @property
    def days_within_range(self) -> int:
        """Days inside their 80 % ranges."""
        return sum(point.lower <= point.actual <= point.upper for point in self.points)


def check_horizon(days: int) -> None:
    """InvalidInput unless a forecast can go that far."""
    if not 1 <= days <= MAX_HORIZON_DAYS:
        raise InvalidInput(f"horizonDays is 1 to {MAX_HORIZON_DAYS}.", field=["horizonDays"])


def check_alert_days(days: int | None) -> None:
    """InvalidInput unless a wallet may be watched for that runway; 0 is no alert, None the default."""
    if days is not None and not 0 <= days <= MAX_ALERT_DAYS:
        raise InvalidInput(f"days is 0 (no alert) to {MAX_ALERT_DAYS}.", field=["days"])


def whole_days(by_day: Mapping[date, int], today: date) -> tuple[date | None, list[int]]:
    """The first day with usage, and each day's credits from it to yesterday; a day below 0 by refunds counts as 0."""
    first = min((day for day, credits in by_day.items() if credits > 0 and day < today), default=None)
    if first is None:
        return None, []
    days = ((first + timedelta(days=index)) for index in range((today - first).days))
    return first, [max(0, by_day.get(day, 0)) for day in days]


def plain_fit(by_day: Mapping[date, int], today: date) -> FittedModel:
    """The mean of the last RECENT_DAYS by weekday; without a whole day, today so far."""
    recent = {day: credits for day, credits in by_day.items() if (today - day).days <= RECENT_DAYS}
    first, history = whole_days(recent, today)
    name = WEEKDAY_MEAN if len(history) >= MINIMUM_HISTORY_DAYS else INSUFFICIENT_HISTORY
    values = history or [max(0, recent.get(today, 0))]
    return FittedModel(plain_model(values, name), today, first, today - timedelta(days=1) if first else None)


def outlook(
    fitted: FittedModel, available: int, now: datetime, horizon_days: int, spikes: Sequence[UsageSpike]
) -> UsageForecast:
    """What a model says from tomorrow on; the runway counts from now."""
    today = (now.date() - fitted.made_on).days + 1
    month = total_band(fitted.model, today + 1, today + NEXT_MONTH_DAYS)
    whole = total_band(fitted.model, today + 1, today + horizon_days)
    bands = day_bands(fitted.model, today + horizon_days)[today:]
    return UsageForecast(
        next_month_credits=round(month.expected),
        lower=round(month.lower),
        upper=round(month.upper),
        horizon_credits=round(whole.expected),
        horizon_lower=round(whole.lower),
        horizon_upper=round(whole.upper),
        points=[
            ForecastPoint(now.date() + timedelta(days=ahead), band.expected, band.lower, band.upper)
            for ahead, band in enumerate(bands, 1)
        ],
        runway=runway_now(fitted, available, now),
        spikes=spikes,
        model=fitted.model.name,
        made_on=fitted.made_on,
        history_from=fitted.history_from,
        history_to=fitted.history_to,
    )


def runway_now(fitted: FittedModel, available: int, now: datetime) -> Runway:
    """How long credits last by a model, from now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    elapsed = (now - midnight).total_seconds() / DAY_SECONDS
    return runway(fitted.model, available, (now.date() - fitted.made_on).days + 1, elapsed)


def usage_spikes(by_day: Mapping[date, int], category: UsageCategory, today: date) -> list[UsageSpike]:
    """The last SPIKE_DAYS that stand out of RECENT_DAYS, newest first; today is judged by what it has so far."""
    first, history = whole_days(by_day, today)
    if first is None:
        return []
    values = [*history, max(0, by_day.get(today, 0))]
    found = [(first + timedelta(days=spike.index), spike) for spike in outliers(values)]
    return [
        UsageSpike(day, category, spike.credits, spike.usual)
        for day, spike in reversed(found)
        if (today - day).days < SPIKE_DAYS
    ]


def month_of(day: date | None, today: date) -> tuple[date, date]:
    """The first and last day of a day's month, by default last month; InvalidInput for a month to come."""
    start = (day or today.replace(day=1) - timedelta(days=1)).replace(day=1)
    if start > today:
        raise InvalidInput("This month has not begun: ask for a past one.", field=["month"])
    return start, (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def accuracy(fitted: FittedModel, by_day: Mapping[date, int], last: date) -> ForecastAccuracy | None:
    """A model beside the days from the one it was made on to `last`; None when none of them is over."""
    count = (last - fitted.made_on).days + 1
    if count < 1 or fitted.history_from is None or fitted.history_to is None:
        return None
    total = total_band(fitted.model, 1, count)
    days = [fitted.made_on + timedelta(days=index) for index in range(count)]
    points = [
        AccuracyPoint(day, band.expected, band.lower, band.upper, by_day.get(day, 0))
        for day, band in zip(days, day_bands(fitted.model, count), strict=True)
    ]
    return ForecastAccuracy(
        from_day=fitted.made_on,
        to_day=last,
        expected=round(total.expected),
        lower=round(total.lower),
        upper=round(total.upper),
        actual=sum(point.actual for point in points),
        points=points,
        model=fitted.model.name,
        history_from=fitted.history_from,
        history_to=fitted.history_to,
    )


def model_of(parameters: Mapping[str, Any]) -> UsageModel:
    """The model of stored parameters: asdict() as JSON gives it back, with lists for tuples."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()
    }
    return UsageModel(**values)
