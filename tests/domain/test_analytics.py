"""Which days a question may be about."""

from __future__ import annotations

from datetime import date

import pytest

from domain.analytics import day_range
from domain.errors import InvalidInput
from domain.usage import checked_zone

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("from_day", "to_day", "field"),
    [
        (date(2026, 3, 2), None, "from"),
        (date(2025, 1, 1), date(2026, 2, 5), "from"),
        (date.min, date.min, "from"),
        (None, date.min, "to"),
        (date(2999, 12, 31), date.max, "to"),
    ],
)
def test_days_that_can_not_be_asked_for(from_day: date | None, to_day: date | None, field: str) -> None:
    """A reversed range, one of more than 400 days, and days at the ends of the calendar are refused by their names."""
    with pytest.raises(InvalidInput) as refused:
        day_range(from_day, to_day, TODAY)
    assert refused.value.field == [field]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "asia/kolkata", "../../passwd", "Asia/\0Kolkata", "localtime"])
def test_zones_that_are_none(name: str) -> None:
    """A name that is not IANA's, or that means another zone on another machine, is refused."""
    with pytest.raises(InvalidInput):
        checked_zone(name)
