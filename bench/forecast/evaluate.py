"""Rolling origins: forecast from several past days of a series, and compare with what happened."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.forecasts import Band, day_bands, total_band
from domain.smoothing import fit
from domain.weekdays import WEEK_DAYS

if TYPE_CHECKING:
    from bench.forecast.series import Series

HORIZON_DAYS: Final = 28
MAX_ORIGINS: Final = 4
SHORTEST_HISTORY_DAYS: Final = 28

Method = Callable[[Sequence[int], int], tuple[list[Band], Band]]
"""Forecasts from a history: the days one by one, and their total."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a method did on one series. MASE: mean absolute error over that of last week's day inside the history."""

    series: Series
    mase: float
    naive_mase: float
    total_ratio: float
    covered: float
    totals_covered: float
    seconds: float

    @property
    def ratio(self) -> float:
        """MASE beside that of the seasonal naive method; under 1 is better."""
        return self.mase / self.naive_mase if self.naive_mase else 1.0


def coffer(history: Sequence[int], days: int) -> tuple[list[Band], Band]:
    """The method of this repository."""
    model = fit(history)
    return day_bands(model, days), total_band(model, 1, days)


def naive(history: Sequence[int], days: int) -> list[int]:
    """Each day as the same weekday of the last week."""
    return [history[len(history) - WEEK_DAYS + index % WEEK_DAYS] for index in range(days)]


def score(method: Method, series: Series) -> Score:
    """Forecast from each origin, the newest first."""
    tries = [_try(method, series.values, origin) for origin in _origins(len(series.values))]
    means = [statistics.fmean(part) for part in zip(*tries, strict=True)]
    mase, naive_mase, missed, naive_missed, covered, totals_covered, seconds = means
    total_ratio = missed / naive_missed if naive_missed else 1.0
    return Score(series, mase, naive_mase, total_ratio, covered, totals_covered, seconds)


def _origins(days: int) -> range:
    first = max(SHORTEST_HISTORY_DAYS, days - MAX_ORIGINS * HORIZON_DAYS)
    return range(days - HORIZON_DAYS, first - 1, -HORIZON_DAYS)


def _try(method: Method, values: Sequence[int], origin: int) -> tuple[float, ...]:
    history, future = values[:origin], values[origin : origin + HORIZON_DAYS]
    started = time.process_time()
    days, total = method(history, HORIZON_DAYS)
    seconds = time.process_time() - started
    last_week = naive(history, HORIZON_DAYS)
    changes = [abs(after - before) for before, after in zip(history, history[WEEK_DAYS:], strict=False)]
    scale = statistics.fmean(changes) or 1.0
    happened = sum(future)
    return (
        statistics.fmean(abs(day.expected - value) for day, value in zip(days, future, strict=True)) / scale,
        statistics.fmean(abs(day - value) for day, value in zip(last_week, future, strict=True)) / scale,
        abs(total.expected - happened) / (happened or 1),
        abs(sum(last_week) - happened) / (happened or 1),
        statistics.fmean(day.lower <= value <= day.upper for day, value in zip(days, future, strict=True)),
        float(total.lower <= happened <= total.upper),
        seconds,
    )
