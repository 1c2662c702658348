"""Forecasts from past days beside what happened: how members are judged and where ranges come from."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.forecasts import MINIMUM_HISTORY_DAYS, Response, carried, damped, day_variances, total_gains, unit
from domain.weekdays import WEEK_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

TRIAL_DAYS: Final = 28
"""The horizon of the forecasts from past days that weigh the members and measure their errors."""

MAX_TRIALS: Final = 26
LONG_HISTORY_DAYS: Final = 100
TRIAL_STEP_DAYS: Final = 7
SHORT_TRIAL_STEP_DAYS: Final = 3
SMALL_SAMPLE_DAYS: Final = 3.0
"""Ranges are wider by this many days over the days of history: errors inside the history flatter the method."""

DAY_WIDENING: Final = 1.1
PRIOR_WIDENING: Final = 0.7
PRIOR_TRIALS: Final = 4.0
"""What the variance of totals is before any month of errors was seen, and how many months it takes to outweigh it."""

DAMPED: Final = damped(TRIAL_DAYS)


class State(NamedTuple):
    """What a member knows at the end of a day."""

    level: float
    slope: float
    drift: float
    bursts: float


class Trial(NamedTuple):
    """A forecast from a past day beside what happened, day by day; `age` is how many days ago it begins."""

    age: int
    usual: list[float]
    happened: Sequence[int]
    bursts: float


class Errors(NamedTuple):
    """What is known of a model's errors; the fields are explained at UsageModel."""

    ends: tuple[float, float, float]
    deviation: float
    widening: float
    response: Response


def origins_of(days: int) -> list[int]:
    """How many days each trial knows, the fewest first; the last trial has a week to look at."""
    step = TRIAL_STEP_DAYS if days > LONG_HISTORY_DAYS else SHORT_TRIAL_STEP_DAYS
    first = max(min(MINIMUM_HISTORY_DAYS, days - WEEK_DAYS), min(days // 3, days - TRIAL_DAYS))
    newest_first = list(range(max(first, days - WEEK_DAYS), first - 1, -step))
    return newest_first[:MAX_TRIALS][::-1]


def trial_of(values: Sequence[int], week: Sequence[float], state: State, origin: int) -> Trial:
    """What a state would have forecast from `origin` on, at most TRIAL_DAYS or a third of the history."""
    happened = values[origin : origin + min(TRIAL_DAYS, max(WEEK_DAYS, len(values) // 3))]
    level, slope, drift, bursts = state
    usual = [
        carried(level, slope * step + drift * ahead) * week[(origin + ahead - 1) % WEEK_DAYS]
        for ahead, step in zip(range(1, len(happened) + 1), DAMPED, strict=False)
    ]
    return Trial(len(values) - origin, usual, happened, bursts)


def loss_of(trial: Trial) -> float:
    """A trial's errors: day by day, and of the total."""
    errors = [happened - usual - trial.bursts for usual, happened in zip(trial.usual, trial.happened, strict=True)]
    return sum(abs(error) for error in errors) + abs(sum(errors))


def measure(trials: Sequence[Trial], response: Response, floor: float, days: int) -> Errors:
    """The ends of the daily range, the deviations and the response of the blend, from its errors in the trials."""
    spread = [math.sqrt(variance) for variance in day_variances(response, TRIAL_DAYS)]
    errors, squares = [], []
    for trial in trials:
        for ahead, (usual, happened) in enumerate(zip(trial.usual, trial.happened, strict=True)):
            errors.append((happened - usual) / (unit(usual, floor) * spread[ahead]))
            expected = usual + trial.bursts
            squares.append(((happened - expected) / (unit(expected, floor) * spread[ahead])) ** 2)
    deviation = math.sqrt(sum(squares) / len(squares))
    ends = _ends(sorted(errors), days)
    widening = _widening(trials, deviation, response, floor) * (1 + SMALL_SAMPLE_DAYS / days) ** 2
    return Errors(ends, deviation, widening, response)


def _ends(errors: Sequence[float], days: int) -> tuple[float, float, float]:
    """The errors that 10, 90 and 80 % are below, moved away from the median for a small sample."""
    wider = DAY_WIDENING * (1 + SMALL_SAMPLE_DAYS / days)
    median = quantile(errors, 0.5)
    low, high, high_from_zero = (median + wider * (quantile(errors, part) - median) for part in (0.1, 0.9, 0.8))
    return low, high, high_from_zero


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value that a part of ordered values is below, between two of them in proportion."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _widening(trials: Sequence[Trial], deviation: float, response: Response, floor: float) -> float:
    """The variance of the trials' totals over what `deviation` and `response` say, drawn to what is usual when few."""
    gains = list(accumulate(gain**2 for gain in total_gains(response, TRIAL_DAYS)))
    found = days = 0.0
    for trial in trials:
        count = len(trial.happened)
        error = sum(trial.happened) - sum(trial.usual) - trial.bursts * count
        square = sum(unit(usual + trial.bursts, floor) ** 2 for usual in trial.usual) / count
        said = deviation**2 * square * gains[count - 1]
        found += count * (error**2 / said if said else 1.0)
        days += count
    months = trials[0].age / TRIAL_DAYS
    return (PRIOR_TRIALS * PRIOR_WIDENING + months * found / days) / (PRIOR_TRIALS + months)
