"""The slots that cover a range of days hold each of its moments once, and nothing that was used outside of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics import GroupBy
from domain.slots import Grain, Kept, Stretch, stretches

ZONES = ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC"]
FIRST = date(2025, 1, 1)
QUARTER = timedelta(minutes=15)


def slot_of(at: datetime, grain: Grain, offset: int) -> datetime:
    """When the slot of a time begins, as the engine says it."""
    if grain is Grain.QUARTER:
        return at
    ahead = timedelta(minutes=offset)
    day = (at + ahead).replace(hour=0, minute=0)
    begins = {Grain.DAY: day, Grain.WEEK: day - timedelta(days=day.weekday()), Grain.MONTH: day.replace(day=1)}
    return begins[grain] - ahead


def count(at: datetime, covering: list[Stretch]) -> int:
    """In how many of the stretches a quarter of an hour is counted."""
    return sum(s.start <= slot_of(at, s.grain, s.utc_offset) < s.end for s in covering)


@given(
    zone=st.sampled_from(ZONES),
    range_=st.tuples(st.integers(0, 500), st.integers(0, 90)),
    keys=st.sampled_from([[], [GroupBy.MONTH], [GroupBy.WEEK], [GroupBy.DAY], [GroupBy.HOUR]]),
    used=st.lists(st.integers(0, 600 * 96), min_size=1, max_size=8),
    kept=st.builds(
        Kept,
        st.sampled_from([{0, 330}, {0, 330, -300, -240}, {0, 330, 345, 630, 660}]),
        weeks=st.booleans(),
        months=st.booleans(),
    ),
    bounded=st.booleans(),
)
def test_each_moment_is_counted_once(
    zone: str, range_: tuple[int, int], keys: list[GroupBy], used: list[int], kept: Kept, *, bounded: bool
) -> None:
    """A quarter inside the range is in one stretch, and one outside of it in none, whatever slots there are."""
    local = ZoneInfo(zone)
    moments = sorted(datetime(2025, 1, 1, tzinfo=UTC) + number * QUARTER for number in used)
    if bounded:
        kept = kept._replace(oldest=moments[0], newest=moments[-1])
    first = FIRST + timedelta(days=range_[0])
    last = first + timedelta(days=range_[1])
    covering = stretches(first, last, local, keys, kept)
    for at in moments:
        assert count(at, covering) == (first <= at.astimezone(local).date() <= last)


@pytest.mark.parametrize(("days_after", "grains"), [(0, [Grain.MONTH]), (1, [Grain.MONTH, Grain.DAY])])
def test_a_range_with_nothing_after_it_needs_no_days(days_after: int, grains: list[Grain]) -> None:
    """Months stand for the last days of a range while nothing was used after it."""
    newest = datetime(2025, 3, 10, 12, tzinfo=UTC) + timedelta(days=days_after)
    kept = Kept(oldest=datetime(2025, 1, 1, tzinfo=UTC), newest=newest)
    covering = stretches(FIRST, date(2025, 3, 10), ZoneInfo("UTC"), [], kept)
    assert [stretch.grain for stretch in covering] == grains


def test_weeks_stand_for_days_within_a_month() -> None:
    """From Saturday, 1 March, to Friday, 28 March 2025, a range reads two days, three weeks and five days."""
    covering = stretches(date(2025, 3, 1), date(2025, 3, 28), ZoneInfo("UTC"), [], Kept(weeks=True))
    days = [(stretch.end - stretch.start).days for stretch in covering]
    assert [stretch.grain for stretch in covering] == [Grain.DAY, Grain.WEEK, Grain.DAY]
    assert days == [2, 21, 5]


def test_months_that_know_their_days_need_no_other_slots() -> None:
    """From 1 March to 28 June 2025 a range is one stretch of days."""
    covering = stretches(date(2025, 3, 1), date(2025, 6, 28), ZoneInfo("UTC"), [], Kept(months=True))
    assert [stretch.grain for stretch in covering] == [Grain.DAY]


def test_a_range_is_read_on_the_clock_that_fits_its_borders() -> None:
    """From summer into winter, and up to the last usage, New York's months of summer need no quarter of an hour."""
    newest = datetime(2025, 12, 20, 12, tzinfo=UTC)
    kept = Kept({0, 330, -240, -300}, oldest=datetime(2024, 1, 1, tzinfo=UTC), newest=newest)
    covering = stretches(date(2025, 8, 1), date(2025, 12, 20), ZoneInfo("America/New_York"), [], kept)
    assert {(stretch.grain, stretch.utc_offset) for stretch in covering} == {(Grain.MONTH, -240)}
