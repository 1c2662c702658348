"""Margins are what was earned less what it cost, to the micro."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.margins import (
    MAX_COST_MICROS,
    Band,
    CreditPrice,
    MarginWarning,
    Sold,
    UnitCost,
    check_costs,
    margin_of,
    margins,
)

TEN_PAISE = CreditPrice(10, 1)
COSTS = st.one_of(st.none(), st.builds(UnitCost, st.just("A"), st.integers(0, 10**9), st.integers(0, 10**9)))
SOLD = st.lists(st.builds(Sold, st.sampled_from(["A", "B", "C"]), st.integers(0, 10**6), st.integers(0, 10**4), COSTS))


@pytest.mark.parametrize(
    ("infrastructure", "other", "points", "bands", "warning"),
    [
        (350_000, 200_000, (3_500, 4_500), (Band.WITHIN, Band.WITHIN), None),
        (250_000, 250_000, (2_500, 5_000), (Band.WITHIN, Band.WITHIN), None),
        (249_949, 250_000, (2_499, 5_001), (Band.BELOW, Band.ABOVE), None),
        (450_100, 200_000, (4_501, 3_499), (Band.ABOVE, Band.BELOW), None),
        (900_000, 100_000, (9_000, 0), (Band.ABOVE, Band.BELOW), None),
        (900_000, 100_001, (9_000, 0), (Band.ABOVE, Band.BELOW), MarginWarning.BELOW_COST),
        (0, 2_000_000, (0, -10_000), (Band.BELOW, Band.BELOW), MarginWarning.BELOW_COST),
    ],
)
def test_a_margin_says_where_it_lies(
    infrastructure: int, other: int, points: tuple[int, int], bands: tuple[Band, Band], warning: MarginWarning | None
) -> None:
    """Of 10 credits at 10 paise, a rupee, the shares are hundredths of a percent, half up, and the bands inclusive."""
    margin = margin_of("A", [Sold("A", 10, 1, UnitCost("A", infrastructure, other))], TEN_PAISE)
    assert (margin.infrastructure_basis_points, margin.gross_margin_basis_points) == points
    assert (margin.infrastructure_band, margin.gross_margin_band) == bands
    assert margin.warning is warning


def test_what_earns_nothing_has_no_shares() -> None:
    """A free feature without a cost has no share, no band, and says that its cost is not known."""
    margin = margin_of("A", [Sold("A", 0, 5, None)], TEN_PAISE)
    assert (margin.gross_margin_basis_points, margin.gross_margin_band) == (None, None)
    assert margin.warning is MarginWarning.NO_COST


def test_a_margin_without_costs_is_not_known() -> None:
    """A feature that sells without a unit cost shows no share, which would be all of its revenue, but says why."""
    margin = margin_of("A", [Sold("A", 10, 5, None)], TEN_PAISE)
    assert (margin.gross_margin_basis_points, margin.infrastructure_basis_points) == (None, None)
    assert (margin.gross_margin_band, margin.infrastructure_band) == (None, None)
    assert margin.warning is MarginWarning.NO_COST


def test_a_margin_with_some_costs_says_that_it_looks_too_good() -> None:
    """A category of which one feature has a cost shows its shares, with a warning."""
    margin = margin_of("AI", [Sold("AI", 10, 5, None), Sold("AI", 10, 1, UnitCost("A", 500_000, 0))], TEN_PAISE)
    assert (margin.gross_margin_basis_points, margin.warning) == (7_500, MarginWarning.PARTIAL_COST)


@given(SOLD, st.integers(0, 10**9), st.integers(1, 10**9))
def test_the_parts_add_up_to_the_whole(sold: list[Sold], amount_minor: int, credits: int) -> None:
    """Credits, units and costs of the keys are those of the total, and revenue is too but for the rounding."""
    price = CreditPrice(amount_minor, credits)
    total, parts = margin_of("TOTAL", sold, price), margins(sold, price)
    for name in ("credits", "units", "infrastructure_micros", "other_micros"):
        assert sum(getattr(part, name) for part in parts) == getattr(total, name)
    assert abs(sum(part.revenue_micros for part in parts) - total.revenue_micros) <= len(parts)
    assert parts == sorted(parts, key=lambda part: (-part.revenue_micros, part.key))


@pytest.mark.parametrize(
    ("costs", "field"),
    [
        ([], ["costs"]),
        ([UnitCost("NOT_PRICED", 1, 1)], ["costs", "0", "feature"]),
        ([UnitCost("A", 1, 1), UnitCost("A", 2, 2)], ["costs", "1", "feature"]),
        ([UnitCost("A", -1, 0)], ["costs", "0"]),
        ([UnitCost("A", 0, MAX_COST_MICROS + 1)], ["costs", "0"]),
    ],
)
def test_costs_that_can_not_be_are_refused(costs: list[UnitCost], field: list[str]) -> None:
    """No cost, an unknown or repeated feature and an amount outside the limits name their field."""
    with pytest.raises(InvalidInput) as refused:
        check_costs(costs, {"A": 1})
    assert refused.value.field == field
