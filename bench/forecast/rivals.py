"""Forecasting libraries on the same series. Their ranges are of days; a total's range takes days as independent."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsforecast.models import AutoETS, AutoTheta
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from domain.forecasts import Band
from domain.weekdays import WEEK_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.forecast.evaluate import Method

Ends = tuple[Any, Any, Any]
LEVEL_PERCENT = 80


def statsforecast_model(model: Any) -> Method:  # noqa: ANN401 - a class without a stub
    """A model of statsforecast with a week as its season."""

    def forecast(history: Sequence[int], days: int) -> tuple[list[Band], Band]:
        values = np.array(history, dtype=float)
        found = model(season_length=WEEK_DAYS).forecast(y=values, h=days, level=[LEVEL_PERCENT])
        return _bands((found["mean"], found[f"lo-{LEVEL_PERCENT}"], found[f"hi-{LEVEL_PERCENT}"]))

    return forecast


def statsmodels_ets(history: Sequence[int], days: int) -> tuple[list[Band], Band]:
    """An additive, damped ETS of statsmodels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = pd.Series(history, dtype=float)
        words: dict[str, Any] = {"error": "add", "trend": "add", "seasonal": "add", "damped_trend": True}
        fitted = ETSModel(values, seasonal_periods=WEEK_DAYS, **words).fit(disp=False)
        table = fitted.get_prediction(start=len(values), end=len(values) + days - 1).summary_frame(alpha=0.2)
    return _bands((table["mean"], table["pi_lower"], table["pi_upper"]))


def rivals() -> dict[str, Method]:
    """Each method by its name."""
    return {
        "statsforecast AutoETS": statsforecast_model(AutoETS),
        "statsforecast AutoTheta": statsforecast_model(AutoTheta),
        "statsmodels ETS": statsmodels_ets,
    }


def _bands(ends: Ends) -> tuple[list[Band], Band]:
    """Whole and never negative, as a dashboard would show them."""
    rows = np.nan_to_num(np.maximum(0.0, np.array([list(part) for part in ends], dtype=float))).T
    days = [Band(*(float(value) for value in row)) for row in rows]
    total = sum(day.expected for day in days)
    half = math.sqrt(sum((day.upper - day.expected) ** 2 for day in days))
    return days, Band(total, max(0.0, total - half), total + half)
