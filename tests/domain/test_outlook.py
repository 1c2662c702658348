"""A forecast as callers see it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.errors import InvalidInput
from domain.forecasts import BLENDED_SMOOTHING
from domain.outlook import (
    FittedModel,
    accuracy,
    check_alert_days,
    check_horizon,
    model_of,
    month_of,
    outlook,
    plain_fit,
    usage_spikes,
    whole_days,
)
from domain.pricing import UsageCategory
from domain.smoothing import fit

TODAY = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def daily(credits: int, days: int) -> dict[date, int]:
    return {back(ago): credits for ago in range(1, days + 1)}


def test_a_plain_forecast_knows_the_weekday() -> None:
    """With eight weeks of 70 on Sundays and 0 otherwise, next Sunday is 70 and the others 0, without a spread."""
    usage = {back(ago): 70 for ago in range(1, 57) if back(ago).weekday() == 6}
    found = outlook(plain_fit(usage, TODAY), 700, MIDNIGHT, 14, [])
    assert [point.expected for point in found.points] == pytest.approx(
        [70.0 if point.date.weekday() == 6 else 0.0 for point in found.points]
    )
    assert found.model == "WEEKDAY_MEAN"


def test_a_short_history_is_said_to_be_one() -> None:
    """Three days of 10 give the plain mean, a month of 300, a runway, and the model INSUFFICIENT_HISTORY."""
    found = outlook(plain_fit(daily(10, 3), TODAY), 100, MIDNIGHT, 3, [])
    assert (found.next_month_credits, found.runway_days, found.model) == (300, 10.0, "INSUFFICIENT_HISTORY")


def test_the_first_day_is_its_own_history() -> None:
    """Before the first day is over, what it has so far is the daily rate."""
    found = outlook(plain_fit({TODAY: 40}, TODAY), 100, MIDNIGHT, 3, [])
    assert (found.next_month_credits, found.model, found.history_from) == (1_200, "INSUFFICIENT_HISTORY", None)


def test_without_usage_there_is_no_runway() -> None:
    """Nothing spent means nothing expected, and no end in sight."""
    found = outlook(plain_fit({}, TODAY), 100, MIDNIGHT, 3, [])
    assert (found.next_month_credits, found.runway_days) == (0, None)


@pytest.mark.parametrize("age", [0, 1, 6])
def test_points_begin_tomorrow(age: int) -> None:
    """A forecast made days ago shows the days from tomorrow on, on their own weekdays."""
    history = [100 if day % 7 == 0 else 10 for day in range(84)]
    fitted = FittedModel(fit(history), back(age), back(84 + age), back(age + 1))
    found = outlook(fitted, 0, MIDNIGHT, 14, [])
    assert [point.date for point in found.points] == [TODAY + timedelta(days=ahead) for ahead in range(1, 15)]
    busy = [point.date for point in found.points if point.expected > 50]
    assert {(day - back(84 + age)).days % 7 for day in busy} == {0}
    assert found.horizon_credits == round(sum(point.expected for point in found.points))


def test_history_begins_with_the_first_usage() -> None:
    """Days before the first usage are no history; idle days after it are; refunds never make one negative."""
    usage = {back(9): 0, back(5): 7, back(3): -2, back(1): 4, TODAY: 99}
    assert whole_days(usage, TODAY) == (back(5), [7, 0, 0, 0, 4])


@pytest.mark.parametrize(("ago", "found"), [(0, True), (29, True), (30, False)])
def test_spikes_are_recent(ago: int, *, found: bool) -> None:
    """A wild day is reported for thirty days, today included."""
    spikes = usage_spikes(daily(10, 56) | {back(ago): 500}, UsageCategory.AI, TODAY)
    assert [(spike.date, spike.credits) for spike in spikes] == ([(back(ago), 500)] if found else [])
    assert [spike.usual for spike in spikes] == pytest.approx([10.0] * len(spikes), rel=0.01)


def test_a_stored_model_comes_back() -> None:
    """What JSON makes of a model is the model again."""
    model = fit([day % 7 * 10 for day in range(60)])
    stored = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(model).items()}
    assert model_of(stored) == model
    assert model.name == BLENDED_SMOOTHING


def test_accuracy_compares_the_days_that_are_over() -> None:
    """A forecast of 10 a day beside two days of 10 and one of 90: totals, the range, and the days inside theirs."""
    fitted = FittedModel(fit([10] * 60), back(3), back(63), back(4))
    found = accuracy(fitted, {back(3): 10, back(2): 10, back(1): 90}, back(1))
    assert found is not None
    assert (found.from_day, found.to_day, found.expected, found.actual) == (back(3), back(1), 30, 110)
    assert (found.within_range, found.days_within_range) == (False, 2)


def test_accuracy_needs_a_day_that_is_over() -> None:
    """A forecast made today has nothing to be compared with."""
    assert accuracy(FittedModel(fit([10] * 60), TODAY, back(60), back(1)), {}, back(1)) is None


MONTHS = [
    (None, date(2026, 2, 1), date(2026, 2, 28)),
    (date(2026, 3, 31), date(2026, 3, 1), date(2026, 3, 31)),
    (date(2024, 2, 10), date(2024, 2, 1), date(2024, 2, 29)),
    (date(2025, 12, 5), date(2025, 12, 1), date(2025, 12, 31)),
]


@pytest.mark.parametrize(("day", "first", "last"), MONTHS)
def test_a_month_is_named_by_any_of_its_days(day: date | None, first: date, last: date) -> None:
    """Its first and last day, by default of last month."""
    assert month_of(day, TODAY) == (first, last)


def test_what_can_not_be_forecast_is_refused() -> None:
    """A horizon outside 1 to 365, a month to come and a watch beyond a year are INVALID_INPUT."""
    for days in (0, 366):
        with pytest.raises(InvalidInput):
            check_horizon(days)
    with pytest.raises(InvalidInput):
        month_of(date(2026, 4, 1), TODAY)
    for days in (-1, 366):
        with pytest.raises(InvalidInput):
            check_alert_days(days)
