"""Fits a usage model to whole days: a blend of exponential smoothings, weighed by how well each forecast before.

Sources: simple and damped-trend exponential smoothing (Gardner and McKenzie 1985), smoothing that cuts outliers
(Gelper, Fried and Croux 2010), drift beside a smoothed level (Theta: Hyndman and Billah 2003), combining forecasts by
their past errors (Bates and Granger 1969), ranges from errors of rolling origins. Measured in bench/forecast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from domain.forecasts import (
    BLENDED_SMOOTHING,
    DAMPING,
    INSUFFICIENT_HISTORY,
    MINIMUM_HISTORY_DAYS,
    Z_60_PERCENT,
    Z_80_PERCENT,
    Response,
    UsageModel,
    unit,
)
from domain.trials import TRIAL_DAYS, Errors, State, loss_of, measure, origins_of, quantile, trial_of
from domain.weekdays import WEEK_DAYS, idle_weekdays, week_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HISTORY_DAYS: Final = 400
FORGETTING: Final = 0.9
"""How much a trial counts beside one TRIAL_DAYS later."""

SHARPNESS: Final = 6.0
"""A member's weight is its loss to the power of minus this: larger trusts the best one more."""

LEAST_DEVIATION: Final = 0.05
"""The mean absolute error counts as at least this share of the level, so that a calm series can learn a new one."""

BURST_MEMORY: Final = 0.02
DEVIATION_MEMORY: Final = 0.05
CUT_DEVIATIONS: Final = 3.0
"""An error counts up to this many mean absolute errors; what is above it goes into the mean of bursts."""

WILD_TIMES_BUSY: Final = 1.5
BUSY_PART: Final = 0.9
"""For a line, no day counts as more than this many times a busy day, which this part of the days is below."""

FLOOR_SHARE: Final = 0.01
SMALLEST_UNIT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Member:
    """One smoothing: the shares of an error that go into level and slope, and the share of the drift that it takes."""

    level: float
    slope: float = 0.0
    drift: float = 0.0


MEMBERS: Final = (
    Member(0.0),
    Member(0.03),
    Member(0.1),
    Member(0.25),
    Member(0.5),
    Member(0.1, slope=0.01),
    Member(0.25, slope=0.03),
    Member(0.05, drift=0.5),
    Member(0.2, drift=0.5),
    Member(0.05, drift=1.0),
    Member(0.2, drift=1.0),
)


def fit(history: Sequence[int]) -> UsageModel:
    """The model of whole days of credits, oldest first; under MINIMUM_HISTORY_DAYS, the plain daily mean."""
    if len(history) < MINIMUM_HISTORY_DAYS:
        return plain_model(history, INSUFFICIENT_HISTORY)
    values = history[-MAX_HISTORY_DAYS:]
    week, drifts = week_of(values), _drifts(values)
    states = [_smooth(values, week, drifts, member) for member in MEMBERS]
    origins = origins_of(len(values))
    weights = _weights(values, week, states, origins)
    blended = [_blend(weights, [member[origin - 1] for member in states]) for origin in (*origins, len(values))]
    trials = [trial_of(values, week, state, origin) for state, origin in zip(blended, origins, strict=False)]
    errors = measure(trials, _response(weights, len(values)), _floor(values), len(values))
    return _model(values, week, blended[-1], errors)


def plain_model(history: Sequence[int], name: str) -> UsageModel:
    """The daily mean, by weekday when there is a MINIMUM_HISTORY_DAYS, with ranges as if days were independent."""
    days = len(history)
    week = week_of(history) if days >= MINIMUM_HISTORY_DAYS else [1.0] * WEEK_DAYS
    mean = sum(history) / days if days else 0.0
    errors = [value - mean * week[index % WEEK_DAYS] for index, value in enumerate(history)]
    sample = math.sqrt(sum(error**2 for error in errors) / (days - 1)) if days > 1 else mean
    deviation = max(sample, mean / math.sqrt(days)) / unit(mean, _floor(history)) if days else 0.0
    state = State(mean, 0.0, 0.0, 0.0)
    ends = (-Z_80_PERCENT * deviation, Z_80_PERCENT * deviation, Z_60_PERCENT * deviation)
    return _model(history, week, state, Errors(ends, deviation, 1.0, (1 / max(days, 1), 0.0, 0.0)), name)


def _model(
    values: Sequence[int], week: Sequence[float], state: State, errors: Errors, name: str = BLENDED_SMOOTHING
) -> UsageModel:
    """Put the parts together; the week begins on the day after the history."""
    low, high, high_from_zero = errors.ends
    start, idle = len(values), idle_weekdays(values)
    return UsageModel(
        name=name,
        days=len(values),
        level=state.level,
        slope=state.slope,
        drift=state.drift,
        bursts=state.bursts,
        week=tuple(week[(start + day) % WEEK_DAYS] for day in range(WEEK_DAYS)),
        idle=tuple(idle[(start + day) % WEEK_DAYS] for day in range(WEEK_DAYS)),
        low=low,
        high=high,
        high_from_zero=high_from_zero,
        deviation=errors.deviation,
        widening=errors.widening,
        response=errors.response,
        floor=_floor(values),
    )


def _drifts(values: Sequence[int]) -> list[float]:
    """The slope of the straight line through the weeks' means up to each day; 0 in the first two weeks.

    A mean over seven days has no weekday in it, and wild days are cut so that one of them is no trend.
    """
    limit = WILD_TIMES_BUSY * quantile(sorted(values), BUSY_PART)
    sums = list(accumulate((min(value, limit) for value in values), initial=0.0))
    slopes, total, moment = [0.0] * (WEEK_DAYS - 1), 0.0, 0.0
    for index, end in enumerate(range(WEEK_DAYS, len(values) + 1)):
        mean = (sums[end] - sums[end - WEEK_DAYS]) / WEEK_DAYS
        count = index + 1
        total += mean
        moment += index * mean
        enough = end >= MINIMUM_HISTORY_DAYS
        slopes.append((moment - index / 2 * total) / (count * (count**2 - 1) / 12) if enough else 0.0)
    return slopes


def _smooth(values: Sequence[int], week: Sequence[float], drifts: Sequence[float], member: Member) -> list[State]:
    """A member's state after each day. The level starts as a running mean, so its start needs no guess."""
    level = slope = drift = bursts = deviation = 0.0
    energy = sum(share**2 for share in week) / WEEK_DAYS
    damping = DAMPING if member.slope else 1.0
    states = []
    for index, value in enumerate(values):
        share = week[index % WEEK_DAYS]
        before = max(0.0, level + damping * slope + drift)
        error = value - before * share
        if index >= MINIMUM_HISTORY_DAYS:
            limit = CUT_DEVIATIONS * max(deviation, LEAST_DEVIATION * before * share)
            excess = max(0.0, error - limit)
            error = max(-limit, min(error, limit))
            bursts += max(BURST_MEMORY, 1 / (index + 1 - MINIMUM_HISTORY_DAYS)) * (excess - bursts)
        deviation += max(DEVIATION_MEMORY, 1 / (index + 1)) * (abs(error) - deviation)
        pace = max(member.level, 1 / (index + 1))
        # A busy weekday says more about the level, but never more than its whole error.
        pull = min(share / energy, 1 / (pace * share)) if share > 0 else 0.0
        level = before + pace * pull * error
        slope = damping * slope + (member.slope * pull * error if index >= MINIMUM_HISTORY_DAYS else 0.0)
        drift = member.drift * drifts[index]
        states.append(State(level, slope, drift, bursts))
    return states


def _weights(
    values: Sequence[int], week: Sequence[float], states: Sequence[Sequence[State]], origins: Sequence[int]
) -> list[float]:
    """Each member's share: by its errors, day by day and of the total, in the trials; recent ones count more."""
    ages = [len(values) - origin for origin in origins]
    counts = [FORGETTING ** (age / TRIAL_DAYS) * min(age, TRIAL_DAYS) for age in ages]
    losses = [
        sum(
            count * loss_of(trial_of(values, week, member[origin - 1], origin))
            for count, origin in zip(counts, origins, strict=True)
        )
        for member in states
    ]
    least = min(losses)
    powers = [(least / loss) ** SHARPNESS if loss > least else 1.0 for loss in losses]
    return [power / sum(powers) for power in powers]


def _blend(weights: Sequence[float], states: Sequence[State]) -> State:
    """The mean state: members are straight in their states, so this is the blend of their forecasts."""
    return State(
        *(sum(w * part for w, part in zip(weights, parts, strict=True)) for parts in zip(*states, strict=True))
    )


def _response(weights: Sequence[float], days: int) -> Response:
    """How much of an error the blend's later forecasts take up; a line's slope takes up about 6 n / days ** 2 of it."""
    constant = slope = drift = 0.0
    for weight, member in zip(weights, MEMBERS, strict=True):
        constant += weight * max(member.level, 1 / days)
        slope += weight * member.slope
        drift += weight * member.drift * 6 / days**2
    return constant, slope, drift


def _floor(values: Sequence[int]) -> float:
    return max(SMALLEST_UNIT, FLOOR_SHARE * sum(values) / len(values)) if values else SMALLEST_UNIT
