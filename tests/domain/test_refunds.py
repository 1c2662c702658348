"""What each refund takes of a purchase: parts add up, to the paisa and the credit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.purchases import quote_amount, without_tax
from domain.refunds import NOTHING, Share, share_of_amount, share_of_total

WHOLE = Share(50_000, 9_000, 1_200, 5_500, 500)


@given(
    amount=st.integers(15_000, 5_000_000),
    parts=st.lists(st.tuples(st.booleans(), st.integers(1, 2_000_000)), max_size=8),
    is_taxed=st.booleans(),
    failing=st.sets(st.integers(0, 7)),
)
def test_parts_add_up_to_the_whole(
    amount: int, parts: list[tuple[bool, int]], is_taxed: bool, failing: set[int]
) -> None:
    """Parts by amount and by money paid, some of which fail, and then the rest: all that was paid and given, once."""
    bought = quote_amount(amount) if is_taxed else without_tax(quote_amount(amount))
    taken = NOTHING
    for number, (by_amount, size) in enumerate(parts):
        left = bought.amount_minor - taken.amount_minor
        if left == 0:
            break
        by = share_of_amount if by_amount else share_of_total
        share = by(bought, taken, min(size, left))
        assert min(share.amount_minor, share.gst_minor, share.platform_fee_minor, share.bonus_credits) >= 0
        assert share.credits >= share.bonus_credits
        if number not in failing:
            taken += share
    taken += share_of_total(bought, taken, bought.total_minor)
    assert taken == Share(amount, bought.gst_minor, bought.platform_fee_minor, bought.credits, bought.bonus_credits)


@given(st.integers(1, 60_199))
def test_what_a_provider_gave_back_is_told_to_the_paisa(total: int) -> None:
    """The first part by money paid is exactly that money."""
    assert share_of_total(quote_amount(50_000), NOTHING, total).total_minor == total


def test_a_part_takes_bonus_and_tax_in_proportion() -> None:
    """A fifth of the amount is a fifth of everything."""
    assert share_of_amount(quote_amount(50_000), NOTHING, 10_000) == Share(10_000, 1_800, 240, 1_100, 100)


@pytest.mark.parametrize("total", [60_200, 60_201, 10**9])
def test_all_the_money_is_the_whole_purchase(total: int) -> None:
    """A provider that gives back all, or more, as it may with a surcharge of its own, takes the whole and no more."""
    assert share_of_total(quote_amount(50_000), NOTHING, total) == WHOLE


@pytest.mark.parametrize("part", [0, -1, 30_001])
def test_a_refund_is_never_more_than_what_is_left(part: int) -> None:
    """Nothing, less than nothing or more than is left is refused."""
    taken = share_of_amount(quote_amount(50_000), NOTHING, 20_000)
    with pytest.raises(InvalidInput):
        share_of_amount(quote_amount(50_000), taken, part)
