"""What a fitted usage model says: days, totals, ranges and the runway. How it is fitted: domain/smoothing.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from domain.weekdays import WEEK_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_HISTORY_DAYS: Final = 14
MAX_HORIZON_DAYS: Final = 365
NEXT_MONTH_DAYS: Final = 30
DAMPING: Final = 0.98
"""What is left of a slope from one day to the next (Gardner and McKenzie's damped trend)."""

DECLINE_END: Final = 0.1
"""What a decline leaves of the level, however long it is carried on: that usage ends altogether is never forecast."""

NOISE_POWER: Final = 0.75
"""A day's deviation grows with this power of what is expected: between counting events (1/2) and a percentage (1)."""

Z_80_PERCENT: Final = 1.2815515655446004
"""Standard deviations on each side of a range that holds 80 % of a normal distribution."""

Z_60_PERCENT: Final = 0.8416212335729143
"""The same for 60 %: one in five is above."""

Response = tuple[float, float, float]
"""How much of an error the forecast of n days later takes up: constant, times damped(n), times n."""

INSUFFICIENT_HISTORY: Final = "INSUFFICIENT_HISTORY"
WEEKDAY_MEAN: Final = "WEEKDAY_MEAN"
BLENDED_SMOOTHING: Final = "BLENDED_SMOOTHING"


@dataclass(frozen=True, slots=True)
class UsageModel:
    """Everything needed to forecast a series: small enough to be stored, so that any horizon can be read from it.

    Day `n` (1 is the day after the history) expects `carried(level, slope * damped(n) + drift * min(n, days))`,
    times `week[(n - 1) % 7]`, and `bursts` above that: the mean of what stood out. Errors are in units of `unit`.
    """

    name: str
    days: int
    """Days of history. A straight drift is carried no further ahead than it was seen."""
    level: float
    slope: float
    drift: float
    bursts: float
    week: tuple[float, ...]
    idle: tuple[bool, ...]
    """Weekdays on which nothing at all is common, so that their range begins at 0."""
    low: float
    """Error that one day in ten is below."""
    high: float
    """Error that one day in ten is above."""
    high_from_zero: float
    """Error that two days in ten are above: the upper end where the lower one is 0."""
    deviation: float
    """Standard deviation of a day's error."""
    widening: float
    """How much the variance of a total differs from what `response` says."""
    response: Response
    floor: float
    """The smallest expectation that an error is measured against."""


@dataclass(frozen=True, slots=True)
class Band:
    """Credits with the range that should hold 80 % of the outcomes."""

    expected: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Runway:
    """Days until the credits are spent: likely, and the ends of the 80 % range; None is not within what can be said."""

    likely_days: float | None
    early_days: float | None
    late_days: float | None


def damped(days: int) -> list[float]:
    """The sum of a slope's remainders over 1, 2, ... days."""
    return [DAMPING * (1 - DAMPING**ahead) / (1 - DAMPING) for ahead in range(1, days + 1)]


def unit(expected: float, floor: float) -> float:
    """The unit of errors at an expectation."""
    return float(max(expected, floor) ** NOISE_POWER)


def day_variances(response: Response, days: int) -> list[float]:
    """The variances of the forecasts of days 1, 2, ... in units of the first one's."""
    return list(accumulate((taken**2 for taken in _response(response, days - 1)), initial=1.0))


def total_gains(response: Response, days: int) -> list[float]:
    """How much one day's error moves the total of the 1, 2, ... days that it reaches."""
    return list(accumulate(_response(response, days - 1), initial=1.0))


def carried(level: float, change: float) -> float:
    """A level after a change: growth is added; a decline shrinks it by its first step's share, to DECLINE_END of it."""
    if level <= 0:
        return max(0.0, change)
    return level + change if change >= 0 else level * max(DECLINE_END, math.exp(change / level))


def base_path(model: UsageModel, days: int) -> list[float]:
    """Usual credits of days 1, 2, ... without bursts; never negative."""
    changes = (model.slope * step + model.drift * min(ahead, model.days) for ahead, step in enumerate(damped(days), 1))
    return [carried(model.level, change) * model.week[index % WEEK_DAYS] for index, change in enumerate(changes)]


def day_bands(model: UsageModel, days: int) -> list[Band]:
    """Days 1, 2, ... one by one."""
    spread = [math.sqrt(variance) for variance in day_variances(model.response, days)]
    return [_day_band(model, index, usual, spread[index]) for index, usual in enumerate(base_path(model, days))]


def total_band(model: UsageModel, first: int, last: int) -> Band:
    """The sum of days `first` to `last`, both inclusive."""
    totals = running_totals(model, last)
    before = totals[first - 2] if first > 1 else Band(0.0, 0.0, 0.0)
    expected = totals[-1].expected - before.expected
    # Errors of one day and the next go the same way, so the difference of variances is, if anything, too large.
    half = math.sqrt(max(0.0, (totals[-1].upper - totals[-1].expected) ** 2 - (before.upper - before.expected) ** 2))
    return Band(expected, max(0.0, expected - half), expected + half)


def running_totals(model: UsageModel, days: int) -> list[Band]:
    """The sums of days 1 to 1, 1 to 2, ..."""
    path = [usual + model.bursts for usual in base_path(model, days)]
    squares = accumulate(unit(expected, model.floor) ** 2 for expected in path)
    variances = accumulate(gain**2 for gain in total_gains(model.response, days))
    result = []
    for ahead, (total, square, variance) in enumerate(zip(accumulate(path), squares, variances, strict=True), 1):
        half = Z_80_PERCENT * model.deviation * math.sqrt(square / ahead * variance * model.widening)
        result.append(Band(total, max(0.0, total - half), total + half))
    return result


def runway(model: UsageModel, available: int, first: int, elapsed: float) -> Runway:
    """When `available` credits end, counted from now: in day `first` of the model, `elapsed` (0 to 1) of it is over."""
    totals = running_totals(model, first + MAX_HORIZON_DAYS)
    start = totals[first - 2] if first > 1 else Band(0.0, 0.0, 0.0)
    expected = [total.expected - start.expected for total in totals[first - 1 :]]
    halves = [total.upper - total.expected for total in totals[first - 1 :]]
    sooner = [max(0.0, total + half) for total, half in zip(expected, halves, strict=True)]
    later = list(accumulate((max(0.0, t - half) for t, half in zip(expected, halves, strict=True)), max))
    likely = _crossing(expected, available, elapsed)
    return Runway(
        likely if likely is not None else _beyond(expected, available, elapsed),
        _crossing(sooner, available, elapsed),
        _crossing(later, available, elapsed),
    )


def credits_for(model: UsageModel, days: int) -> int:
    """The credits that likely last that many days: with fewer, the likely runway is shorter."""
    return math.ceil(running_totals(model, days)[-1].expected)


def _crossing(totals: Sequence[float], available: int, elapsed: float) -> float | None:
    """Days from now until running totals reach a number; what was to be spent of today before now is left out."""
    if available <= 0:
        return 0.0 if totals[-1] > 0 else None
    spent = totals[0] * elapsed
    previous = spent
    for index, total in enumerate(totals):
        if total - spent >= available and total > previous:
            share = (available + spent - previous) / (total - previous)
            whole = 1 - elapsed if index == 0 else 1.0
            return max(0.0, index - elapsed if index else 0.0) + share * whole
        previous = max(previous, total)
    return None


def _beyond(totals: Sequence[float], available: int, elapsed: float) -> float | None:
    """The runway past the horizon, at the mean rate of its last four weeks."""
    weeks = 4 * WEEK_DAYS
    rate = (totals[-1] - totals[-1 - weeks]) / weeks
    left = available - (totals[-1] - totals[0] * elapsed)
    return len(totals) - elapsed + left / rate if rate > 0 else None


def _day_band(model: UsageModel, index: int, usual: float, spread: float) -> Band:
    expected = usual + model.bursts
    one = unit(usual, model.floor) * spread
    lower, upper = usual + model.low * one, usual + model.high * one
    if lower <= 0 or model.idle[index % WEEK_DAYS]:
        lower, upper = 0.0, usual + model.high_from_zero * one
    return Band(expected, float(math.floor(min(lower, expected))), float(math.ceil(max(upper, expected))))


def _response(response: Response, days: int) -> list[float]:
    constant, slope, drift = response
    return [constant + slope * step + drift * ahead for ahead, step in enumerate(damped(days), 1)]
