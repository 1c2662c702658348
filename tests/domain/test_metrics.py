"""What can be measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.limits import MAX_UNITS
from domain.metrics import (
    MAX_LATE_DAYS,
    MAX_RECORDED_UNITS,
    MetricDefinition,
    check_event_units,
    check_time,
    validate_metric,
)
from domain.pricing import UsageCategory

METRIC = MetricDefinition("K1", "n", "u", UsageCategory.API)


@pytest.mark.parametrize(
    "change",
    [{"key": "tokens"}, {"name": ""}, {"unit": "u" * 33}, {"late_days": MAX_LATE_DAYS + 1}, {"late_days": -1}],
)
def test_a_metric_that_can_not_be_is_refused(change: dict[str, Any]) -> None:
    """Odd keys, empty names, long units and impossible lateness are refused."""
    validate_metric(METRIC)
    with pytest.raises(InvalidInput):
        validate_metric(replace(METRIC, **change))


@pytest.mark.parametrize(("most", "charged"), [(MAX_UNITS, True), (MAX_RECORDED_UNITS, False)])
def test_an_event_has_so_many_units(most: int, *, charged: bool) -> None:
    """The limit is taken, one more is not."""
    check_event_units(most, charged=charged)
    with pytest.raises(InvalidInput):
        check_event_units(most + 1, charged=charged)


@pytest.mark.parametrize("at", [datetime(2026, 1, 1), datetime(1999, 12, 31, tzinfo=UTC)])  # noqa: DTZ001 - on purpose
def test_a_time_that_names_no_instant_is_refused(at: datetime) -> None:
    """A time without an offset, or of a year that no clock shows, is refused."""
    with pytest.raises(InvalidInput):
        check_time(at)


def test_a_charge_takes_nothing_back() -> None:
    """Units below zero can be recorded and not charged."""
    check_event_units(-1, charged=False)
    with pytest.raises(InvalidInput):
        check_event_units(-1, charged=True)
