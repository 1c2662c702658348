"""GST: GSTINs, the split of the tax, financial years, numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, InvalidState
from domain.gst import (
    NO_TAXES,
    STATES,
    Taxes,
    check_gstin,
    check_prefix,
    financial_year,
    gstin_check_character,
    indian_date,
    invoice_number,
    split_gst,
)


@pytest.mark.parametrize("gstin", ["27AAPFU0939F1ZV", "29AAGCB7383J1Z4", "24AAACC1206D1ZM"])
def test_a_real_gstin_is_taken(gstin: str) -> None:
    """Published GSTINs pass."""
    check_gstin(gstin, gstin[:2], "gstin")


@pytest.mark.parametrize(
    ("gstin", "state", "words"),
    [
        ("27AAPFU0939F1ZO", "27", "mistake"),
        ("27AAPFU0939F1ZV", "29", "state"),
        ("72AAPFU0939F1ZV", "27", "state"),
        ("27AAPFU0939F1Z", "27", "15 characters"),
        ("27AAPFU0939F1ZVV", "27", "15 characters"),
        ("27aapfu0939f1zv", "27", "15 characters"),
        ("27AAPFU0939F0ZV", "27", "15 characters"),
        ("27AAPFU0939F1YV", "27", "15 characters"),
        ("2\u0667AAPFU0939F1ZV", "27", "15 characters"),
        ("27AAPFU0939F1ZV\n", "27", "15 characters"),
        ("", "27", "15 characters"),
    ],
)
def test_a_wrong_gstin_is_refused(gstin: str, state: str, words: str) -> None:
    """Format, state and check character each have their sentence."""
    with pytest.raises(InvalidInput, match=words):
        check_gstin(gstin, state, "gstin")


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=14, max_size=14), st.data())
def test_one_wrong_character_is_noticed(first: str, data: st.DataObject) -> None:
    """Changing any one character changes the check character."""
    place = data.draw(st.integers(0, 13))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").filter(lambda c: c != first[place]))
    changed = first[:place] + other + first[place + 1 :]
    assert gstin_check_character(changed) != gstin_check_character(first)


@pytest.mark.parametrize(
    ("gst", "within", "taxes"),
    [
        (9_000, True, Taxes(4_500, 4_500, 0)),
        (9_000, False, Taxes(0, 0, 9_000)),
        (2_701, True, Taxes(1_350, 1_351, 0)),
        (0, True, NO_TAXES),
    ],
)
def test_gst_is_split_by_the_place_of_supply(gst: int, *, within: bool, taxes: Taxes) -> None:
    """Within the state in halves, else whole; the sum is the GST to the paisa."""
    assert split_gst(gst, within_state=within) == taxes


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_the_halves_of_parts_are_those_of_the_whole(parts: list[int]) -> None:
    """However a tax goes back, the credit notes' halves add up to the invoice's."""
    cgst = sgst = 0
    for part in parts:
        taxes = split_gst(part, within_state=True, before=Taxes(cgst, sgst, 0))
        cgst, sgst = cgst + taxes.cgst_minor, sgst + taxes.sgst_minor
    assert Taxes(cgst, sgst, 0) == split_gst(sum(parts), within_state=True)


@pytest.mark.parametrize(
    ("at", "year"),
    [
        (datetime(2026, 3, 31, 18, 29, tzinfo=UTC), "2526"),
        (datetime(2026, 3, 31, 18, 30, tzinfo=UTC), "2627"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2627"),
        (datetime(2099, 6, 1, tzinfo=UTC), "9900"),
    ],
)
def test_a_financial_year_begins_in_april_in_india(at: datetime, year: str) -> None:
    """Half past six in the evening of 31 March UTC is April in India."""
    assert financial_year(indian_date(at)) == year


def test_a_number_has_at_most_sixteen_characters() -> None:
    """Serials grow into the room there is, and then there is an error instead of a longer number."""
    year = financial_year(date(2026, 11, 21))
    assert [invoice_number("INV", year, serial) for serial in (1, 9_999_999)] == ["INV/2627/000001", "INV/2627/9999999"]
    with pytest.raises(InvalidState):
        invoice_number("INV", year, 10_000_000)


@pytest.mark.parametrize("prefix", ["", "ABCD", "ab", "A/", "Ä", "A\n"])
def test_a_prefix_keeps_numbers_lawful(prefix: str) -> None:
    """Numbers may hold letters, digits, - and / alone."""
    with pytest.raises(InvalidInput):
        check_prefix(prefix, "invoicePrefix")


def test_every_state_has_two_digits() -> None:
    """The codes are those of GSTINs."""
    assert {len(code) for code in STATES} == {2}
