"""The quote, to the paisa, and the states of a purchase."""

from __future__ import annotations

from itertools import product

import pytest

from domain.errors import BelowMinimum, InvalidInput, InvalidState
from domain.limits import MAX_AMOUNT_MINOR
from domain.purchases import PACKS, TRANSITIONS, PurchaseStatus, quote, quote_amount, require_transition

PACK_TABLE = [  # amount, credits, bonus, GST, fee, total (the business facts; all but credits in paise)
    (15_000, 1_500, 0, 2_700, 360, 18_060),
    (30_000, 3_200, 200, 5_400, 720, 36_120),
    (50_000, 5_500, 500, 9_000, 1_200, 60_200),
    (100_000, 12_000, 2_000, 18_000, 2_400, 120_400),
    (250_000, 32_000, 7_000, 45_000, 6_000, 301_000),
]


@pytest.mark.parametrize("row", PACK_TABLE)
def test_packs_cost_and_give_what_the_business_says(row: tuple[int, ...]) -> None:
    """Each pack's quote has the credits, bonus, GST, fee and total of the table."""
    q = quote_amount(row[0])
    assert (q.amount_minor, q.credits, q.bonus_credits, q.gst_minor, q.platform_fee_minor, q.total_minor) == row


@pytest.mark.parametrize(
    ("amount", "credits", "bonus", "gst", "fee"),
    [
        (15_001, 1_500, 0, 2_700, 360),
        (15_003, 1_500, 0, 2_701, 360),
        (15_021, 1_502, 0, 2_704, 361),
        (15_100, 1_510, 0, 2_718, 362),
        (15_300, 1_530, 0, 2_754, 367),
        (29_999, 2_999, 0, 5_400, 720),
        (30_001, 3_200, 200, 5_400, 720),
        (49_999, 5_199, 200, 9_000, 1_200),
        (50_001, 5_500, 500, 9_000, 1_200),
        (99_999, 10_499, 500, 18_000, 2_400),
        (100_001, 12_000, 2_000, 18_000, 2_400),
        (249_999, 26_999, 2_000, 45_000, 6_000),
        (250_001, 32_000, 7_000, 45_000, 6_000),
        (MAX_AMOUNT_MINOR, 100_007_000, 7_000, 180_000_000, 24_000_000),
    ],
)
def test_custom_amounts_earn_the_bonus_of_the_largest_pack_they_reach(
    amount: int, credits: int, bonus: int, gst: int, fee: int
) -> None:
    """An amount one paisa below or above a bound gets the right bonus, GST and fee, rounded half up."""
    q = quote_amount(amount)
    assert (q.credits, q.bonus_credits, q.gst_minor, q.platform_fee_minor) == (credits, bonus, gst, fee)


@pytest.mark.parametrize("amount", [-1, 0, 14_999])
def test_less_than_the_minimum_is_refused(amount: int) -> None:
    """One paisa below 150 rupees is BELOW_MINIMUM."""
    with pytest.raises(BelowMinimum):
        quote_amount(amount)


@pytest.mark.parametrize(("amount", "pack"), [(None, None), (15_000, "PACK_150"), (None, "PACK_1"), (10**9 + 1, None)])
def test_a_quote_needs_one_known_pack_or_one_amount(amount: int | None, pack: str | None) -> None:
    """Both, neither, an unknown pack or more than a crore are INVALID_INPUT."""
    with pytest.raises(InvalidInput):
        quote(amount, pack)


def test_every_pack_can_be_bought_by_its_code() -> None:
    """A pack's code gives the pack's own credits."""
    assert [quote(None, pack.code).credits for pack in PACKS] == [pack.credits for pack in PACKS]


ALLOWED = {
    ("PROCESSING", "PENDING"),
    ("PROCESSING", "SUCCESS"),
    ("PROCESSING", "FAILED"),
    ("PENDING", "SUCCESS"),
    ("PENDING", "FAILED"),
    ("FAILED", "PROCESSING"),
    ("FAILED", "SUCCESS"),
    ("SUCCESS", "REFUNDED"),
}


@pytest.mark.parametrize(("old", "new"), list(product(PurchaseStatus, PurchaseStatus)))
def test_only_the_listed_steps_are_allowed(old: PurchaseStatus, new: PurchaseStatus) -> None:
    """Each pair of states is allowed or refused as the table says."""
    assert (new in TRANSITIONS[old]) == ((old.name, new.name) in ALLOWED)
    if (old.name, new.name) not in ALLOWED:
        with pytest.raises(InvalidState):
            require_transition(old, new)
