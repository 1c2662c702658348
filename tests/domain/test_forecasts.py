"""What a fitted model promises, for any history."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.forecasts import (
    INSUFFICIENT_HISTORY,
    MAX_HORIZON_DAYS,
    MINIMUM_HISTORY_DAYS,
    credits_for,
    day_bands,
    running_totals,
    runway,
    total_band,
)
from domain.smoothing import MAX_HISTORY_DAYS, fit
from domain.spikes import outliers

OFFICE = (120, 130, 125, 120, 110, 40, 20)
DAYS = st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 10**12))
HISTORIES = st.lists(DAYS, max_size=90)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(HISTORIES, st.integers(1, MAX_HORIZON_DAYS))
def test_ranges_hold_what_is_expected_and_are_never_negative(history: list[int], days: int) -> None:
    """Each day and each total has 0 <= lower <= expected <= upper, and every figure is finite."""
    model = fit(history)
    for band in [*day_bands(model, days), *running_totals(model, days)]:
        assert 0 <= band.lower <= band.expected <= band.upper < math.inf


@FEW
@given(HISTORIES, st.integers(1, 60), st.integers(0, 60))
def test_days_add_up_to_their_total(history: list[int], first: int, more: int) -> None:
    """The total of a span of days is the sum of its days."""
    model = fit(history)
    days = [day.expected for day in day_bands(model, first + more)]
    total = total_band(model, first, first + more).expected
    # The total is a difference of running sums, so its error is of their size.
    assert total == pytest.approx(sum(days[first - 1 :]), rel=1e-6, abs=1e-9 * sum(days) + 1e-9)


@FEW
@given(HISTORIES, st.integers(0, 10**13), st.integers(1, 5), st.floats(0, 0.99))
def test_a_runway_has_its_ends_in_order(history: list[int], available: int, first: int, elapsed: float) -> None:
    """Early <= likely <= late, where there is an end, and none is negative."""
    found = runway(fit(history), available, first, elapsed)
    ends = [end for end in (found.early_days, found.likely_days, found.late_days) if end is not None]
    assert ends == sorted(ends)
    assert all(end >= 0 for end in ends)


@FEW
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60), st.integers(1, 60))
def test_credits_for_some_days_last_that_long(history: list[int], days: int) -> None:
    """With credits_for(n) the likely runway is n days or more, and with one credit less it is not more."""
    model = fit(history)
    enough = max(1, credits_for(model, days))
    likely = runway(model, enough, 1, 0.0).likely_days
    assert likely is not None
    assert likely >= days - 1e-6
    shorter = runway(model, credits_for(model, days) - 1, 1, 0.0).likely_days
    assert shorter is not None
    assert shorter <= days + 1e-6


@FEW
@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=80), st.integers(2, 1_000))
def test_a_forecast_grows_with_the_unit(history: list[int], times: int) -> None:
    """A history counted in units that are n times as small expects n times as many."""
    small, large = fit(history), fit([times * value for value in history])
    assert credits_for(large, 30) == pytest.approx(times * credits_for(small, 30), rel=1e-6, abs=times)


@FEW
@given(st.lists(st.integers(0, 1_000), max_size=MINIMUM_HISTORY_DAYS - 1))
def test_a_short_history_gives_its_mean(history: list[int]) -> None:
    """Under two weeks the model says so, and expects the plain daily mean."""
    model = fit(history)
    mean = sum(history) / max(1, len(history))
    assert model.name == INSUFFICIENT_HISTORY
    assert [day.expected for day in day_bands(model, 10)] == pytest.approx([mean] * 10)


@pytest.mark.parametrize("weeks", [2, 3, 8, 60])
def test_a_regular_week_is_expected_again(weeks: int) -> None:
    """Weeks that are all alike are continued, from whatever weekday the history ends on."""
    for more in range(7):
        history = [*OFFICE * weeks, *OFFICE[:more]]
        ahead = [OFFICE[(more + day) % 7] for day in range(14)]
        assert [day.expected for day in day_bands(fit(history), 14)] == pytest.approx(ahead, rel=0.06, abs=5)


def test_steady_growth_goes_on() -> None:
    """Stored data that grows by the same amount each day is expected to go on growing by it."""
    history = [1_000 + 20 * day for day in range(90)]
    days = day_bands(fit(history), 28)
    assert days[27].expected == pytest.approx(1_000 + 20 * 117, rel=0.03)


def test_a_new_level_is_learned() -> None:
    """Four weeks after usage tripled, the forecast is nearer to the new level than a tenth of the step."""
    history = [100] * 80 + [300] * 28
    assert total_band(fit(history), 1, 30).expected == pytest.approx(9_000, rel=0.07)


def test_one_wild_day_is_not_the_new_level() -> None:
    """A day of fifty times the usual, yesterday, counts for tomorrow as its share of the history, not as the level."""
    history = [100 + day % 3 for day in range(60)] + [5_000]
    assert day_bands(fit(history), 1)[0].expected < 250


def test_idle_days_are_inside_the_range() -> None:
    """Where nothing at all is common, the range of a day begins at 0."""
    chance = random.Random(3)
    history = [chance.choice([0, 0, 0, 40, 60]) for _ in range(120)]
    assert {day.lower for day in day_bands(fit(history), 28)} == {0.0}


def test_only_the_last_days_count() -> None:
    """What lies further back than MAX_HISTORY_DAYS changes nothing."""
    recent = [OFFICE[day % 7] for day in range(MAX_HISTORY_DAYS)]
    assert fit([10**6] * 35 + recent) == fit(recent)


RUNWAYS = [
    # history, available, elapsed, likely
    ([10] * 10, 100, 0.0, 10.0),
    ([10] * 10, 100, 0.5, 10.0),
    ([10] * 10, 0, 0.5, 0.0),
    ([10] * 10, 5, 0.75, 0.5),
    ([10] * 10, 36_500, 0.0, 3_650.0),
    ([10] * 60, 100, 0.0, 10.0),
    ([0] * 10, 100, 0.0, None),
    ([], 100, 0.0, None),
]


@pytest.mark.parametrize(("history", "available", "elapsed", "likely"), RUNWAYS)
def test_a_runway_is_counted_from_now(history: list[int], available: int, elapsed: float, likely: float | None) -> None:
    """The rest of today counts by its share, and an even rate is carried past the horizon."""
    found = runway(fit(history), available, 1, elapsed).likely_days
    assert found == (None if likely is None else pytest.approx(likely, rel=1e-3))


def test_a_wider_history_has_an_earlier_early_end() -> None:
    """Of two histories with one mean, the noisier one has the earlier early end and the later late end."""
    chance = random.Random(5)
    calm = runway(fit([chance.randint(95, 105) for _ in range(90)]), 3_000, 1, 0.0)
    wild = runway(fit([chance.randint(0, 200) for _ in range(90)]), 3_000, 1, 0.0)
    assert (wild.early_days or 0) < (calm.early_days or 0)
    assert (wild.late_days or 0) > (calm.late_days or 0)


def test_spikes_stand_out() -> None:
    """Two wild days in eight weeks of an office's usage are found, and nothing else is."""
    values = [OFFICE[day % 7] + day % 5 for day in range(56)]
    values[30], values[55] = 900, 400
    assert [(spike.index, spike.credits) for spike in outliers(values)] == [(30, 900), (55, 400)]


@pytest.mark.parametrize("values", [[0] * 56, [7] * 56, list(OFFICE) * 8, [0, 0, 0, 50] * 14, [5] * 12 + [500]])
def test_regular_usage_has_no_spike(values: list[int]) -> None:
    """Constant, weekly and now-and-then usage, and a history under two weeks, have none."""
    assert outliers(values) == []
