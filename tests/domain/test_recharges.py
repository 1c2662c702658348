"""When a wallet recharges, and for how much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.purchases import MINIMUM_AMOUNT_MINOR, quote_amount
from domain.recharges import (
    MethodKind,
    Standing,
    Terms,
    Verdict,
    amount_of,
    check_terms,
    debit_day,
    decide,
    month_start,
    needs_approval,
    next_month,
    retry_after,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TERMS = Terms(50_000, None, 120_400, 3_600)
LOW = Standing(199, 200, 0, None, None)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("wallet", "verdict"),
    [
        (LOW, Verdict.CHARGE),
        (replace(LOW, credits=200), Verdict.NOTHING),
        (replace(LOW, charged_at=NOW - HOUR + timedelta(seconds=1)), Verdict.WAIT),
        (replace(LOW, charged_at=NOW - HOUR), Verdict.CHARGE),
        (replace(LOW, retry_at=NOW + HOUR), Verdict.WAIT),
        (replace(LOW, retry_at=NOW), Verdict.CHARGE),
        (replace(LOW, spent_minor=60_200), Verdict.CHARGE),
        (replace(LOW, spent_minor=60_201), Verdict.OVER_LIMIT),
        (replace(LOW, credits=-5_000), Verdict.CHARGE),
    ],
)
def test_what_a_wallet_needs(wallet: Standing, verdict: Verdict) -> None:
    """Threshold, cool-off, wait after a decline and monthly limit, each at its very border."""
    assert decide(TERMS, wallet, NOW).verdict is verdict


@given(credits=st.integers(-10_000_000, 1_000_000), above=st.integers(1, 5_000_000))
def test_a_target_is_reached_by_the_smallest_amount(credits: int, above: int) -> None:
    """The amount's credits reach the target, and a paisa less would not, unless it is the smallest purchase."""
    amount = amount_of(Terms(None, credits + above, 10**9), credits)
    assert quote_amount(amount).credits >= above
    assert amount == MINIMUM_AMOUNT_MINOR or quote_amount(amount - 1).credits < above


@pytest.mark.parametrize(
    "terms",
    [
        Terms(None, None, 99_999),
        Terms(50_000, 5_000, 99_999),
        Terms(14_999, None, 99_999),
        Terms(None, 200, 99_999),
        Terms(50_000, None, 60_199),
        Terms(50_000, None, 99_999, -1),
        Terms(50_000, None, 99_999, 31 * 24 * 3_600),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: Terms) -> None:
    """No amount or two, too little, a target that is no target, a limit below one recharge, an endless cool-off."""
    with pytest.raises(DomainError):
        check_terms(terms, 200)


def test_the_waits_after_declines_grow_and_end() -> None:
    """One hour, six hours, a day, then no more."""
    assert [retry_after(failures) for failures in (1, 2, 3, 4, 5)] == [HOUR, 6 * HOUR, 24 * HOUR, None, None]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - given a zone
def test_a_mandate_is_debited_a_whole_notice_later(now: datetime) -> None:
    """The day of a debit begins, in India, at least 24 hours from now, and less than 48."""
    begins = datetime.fromisoformat(debit_day(now) + "T00:00:00+05:30")
    assert timedelta(hours=24) <= begins - now <= timedelta(hours=48)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - given a zone
def test_every_moment_is_in_one_month(now: datetime) -> None:
    """A month begins before or at the moment, and the next one after it, on its first day."""
    assert month_start(now) <= now < next_month(now)
    assert (next_month(now).day, month_start(next_month(now))) == (1, next_month(now))


@pytest.mark.parametrize(
    ("kind", "limit_minor", "total_minor", "needed"),
    [
        (MethodKind.MANDATE, None, 1_500_000, False),
        (MethodKind.MANDATE, None, 1_500_001, True),
        (MethodKind.MANDATE, 60_200, 60_200, False),
        (MethodKind.MANDATE, 60_200, 60_201, True),
        (MethodKind.DIRECT, None, 10**9, False),
    ],
)
def test_a_mandate_above_its_limit_needs_approval(
    kind: MethodKind, limit_minor: int | None, total_minor: int, *, needed: bool
) -> None:
    """Only a mandate, and only above 15,000 rupees or what its customer allowed at once."""
    assert needs_approval(kind, limit_minor, total_minor) is needed
