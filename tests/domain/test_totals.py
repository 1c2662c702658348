"""The rules by which the books and a provider's list of a day are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.totals import Booked, DayTotal, DifferenceKind, MoneyMovement, Movement, compare, span_of

K, M = DifferenceKind, MoneyMovement
DAY = span_of(date(2026, 11, 20))
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
INDIA_MORNING = datetime.fromisoformat("2026-11-21T05:29:59+05:30")
PAID = Movement(M.PAYMENT, "pay-1", 60_200, "INR", NOON)
BACK = Movement(M.REFUND, "ref-1", 10_000, "INR", NOON, reference="5e" * 16)
PURCHASE = UUID(int=7)


def booked(movement: Movement, **changes: object) -> Booked:
    """A movement of the books."""
    return replace(Booked(movement, 1, PURCHASE), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([], [], []),
        ([booked(PAID), booked(BACK)], [BACK, PAID], []),
        ([], [PAID], [K.MISSING_HERE]),
        ([booked(PAID)], [], [K.MISSING_THERE]),
        ([booked(PAID)], [replace(PAID, amount_minor=60_199)], [K.AMOUNT]),
        ([booked(PAID)], [replace(PAID, currency="USD")], [K.AMOUNT]),
        ([booked(PAID)], [replace(PAID, kind=M.REFUND)], [K.MISSING_HERE, K.MISSING_THERE]),
        # Paid before midnight, booked after it.
        ([booked(replace(PAID, at=DAY.end + timedelta(days=3)))], [PAID], []),
        # Booked before midnight, listed after it: another day's.
        ([booked(PAID)], [replace(PAID, at=DAY.end)], []),
        ([], [replace(PAID, at=DAY.end)], []),
        ([], [replace(PAID, at=DAY.start)], [K.MISSING_HERE]),
        # The last second of the day, told in India's time.
        ([booked(PAID)], [replace(PAID, at=INDIA_MORNING)], []),
        ([], [replace(PAID, at=INDIA_MORNING)], [K.MISSING_HERE]),
        # A refund by our reference, whatever the provider calls it; payments may share one.
        ([booked(replace(BACK, id=""))], [BACK], []),
        ([booked(replace(BACK, id="other"))], [BACK], []),
        (
            [booked(replace(PAID, reference="r"))],
            [replace(PAID, reference="r", id="2")],
            [K.MISSING_HERE, K.MISSING_THERE],
        ),
        # Sent and returned: some providers list it, others do not.
        ([booked(BACK, came_back=True)], [BACK], []),
        ([booked(BACK, came_back=True)], [], []),
        # A page that was read twice.
        ([booked(PAID)], [PAID, PAID], []),
    ],
)
def test_a_day_is_compared(ours: list[Booked], theirs: list[Movement], expected: list[DifferenceKind]) -> None:
    """Each side's movements of the day are found on the other, at whatever time it has them."""
    assert [one.kind for one in compare(ours, theirs, DAY).differences] == expected


def test_both_sides_are_summed() -> None:
    """By currency, each way apart, of the day alone; what is on both sides counts on the provider's day for both."""
    dollars = Movement(M.PAYMENT, "pay-2", 500, "USD", NOON)
    late = booked(replace(PAID, at=DAY.end + timedelta(hours=2)))
    found = compare([late, booked(dollars)], [PAID, BACK, replace(PAID, id="x", at=DAY.end)], DAY)
    assert found.ours == [DayTotal("INR", 1, 60_200), DayTotal("USD", 1, 500)]
    assert found.theirs == [DayTotal("INR", 1, 60_200, 1, 10_000)]


@st.composite
def lists(draw: st.DrawFn) -> list[Movement]:
    """Movements with ids of their own, of the day."""
    figures = st.tuples(
        st.sampled_from(M), st.integers(1, 10**9), st.sampled_from(["INR", "USD"]), st.integers(0, 86_399)
    )
    drawn = draw(st.lists(figures, max_size=12))
    return [
        Movement(kind, f"id-{number}", amount, currency, DAY.start + timedelta(seconds=second))
        for number, (kind, amount, currency, second) in enumerate(drawn)
    ]


@given(lists(), st.randoms())
def test_a_shuffled_list_has_no_difference(movements: list[Movement], random: object) -> None:
    """The order of a list says nothing, and sums are the same."""
    shuffled = list(movements)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = compare([booked(one) for one in movements], shuffled, DAY)
    assert (found.differences, found.ours) == ([], found.theirs)


@given(lists().filter(bool), st.data())
def test_every_single_change_is_found(movements: list[Movement], data: st.DataObject) -> None:
    """One movement that is missing on a side, or has another amount, is the one difference."""
    place = data.draw(st.integers(0, len(movements) - 1))
    one, rest = movements[place], movements[:place] + movements[place + 1 :]
    more = replace(one, amount_minor=one.amount_minor + data.draw(st.integers(1, 10**6)))
    cases = {
        K.MISSING_HERE: (rest, movements),
        K.MISSING_THERE: (movements, rest),
        K.AMOUNT: (movements, [more, *rest]),
    }
    for kind, (ours, theirs) in cases.items():
        [found] = compare([booked(mine) for mine in ours], theirs, DAY).differences
        assert (found.kind, found.movement.id) == (kind, one.id)
