"""Small rules, as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.caps import CapGroup, cap_group, resets_at
from domain.errors import AccessDenied, InvalidInput
from domain.jobs import LONGEST_RETRY_SECONDS, retry_delay
from domain.ledger import SYSTEM_KEY, Account, adjustment_route, key_hash
from domain.money import format_money
from domain.permissions import ROLE_PERMISSIONS, Actor, Permission, Role
from domain.pricing import Price, UsageCategory, is_premium, validate_matrix
from domain.wallets import crosses_low_balance

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (0, "₹0.00"),
        (5, "₹0.05"),
        (60_200, "₹602.00"),
        (99_999, "₹999.99"),
        (100_000, "₹1,000.00"),
        (12_345_678, "₹1,23,456.78"),
        (1_234_567_890, "₹1,23,45,678.90"),
        (-60_200, "-₹602.00"),
    ],
)
def test_rupees_are_grouped_the_indian_way(minor: int, text: str) -> None:
    """Three digits, then twos, with two decimals."""
    assert format_money(minor, "INR") == text


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [(200, 199, True), (200, 200, False), (199, 100, False), (100, 300, False), (1_000, 0, True), (0, 0, False)],
)
def test_an_alert_fires_when_the_threshold_is_crossed_downwards(before: int, after: int, fires: bool) -> None:
    """With a threshold of 200 only the step from 200 or more to less raises it."""
    assert crosses_low_balance(before, after, 200) is fires


@pytest.mark.parametrize(
    ("feature", "category", "group"),
    [
        ("AI_ANYTHING", UsageCategory.AI, CapGroup.AI),
        ("WEBHOOK_RETRY", UsageCategory.WEBHOOK, CapGroup.WEBHOOK),
        ("EMAIL_SEND", UsageCategory.QUEUE, CapGroup.EMAIL),
        ("PUSH_NOTIFICATION", UsageCategory.QUEUE, CapGroup.NONE),
        ("STORAGE_1GB", UsageCategory.STORAGE, CapGroup.NONE),
    ],
)
def test_a_feature_counts_against_the_cap_of_its_kind(feature: str, category: UsageCategory, group: CapGroup) -> None:
    """AI and webhooks by category, e-mail by name, nothing else."""
    assert cap_group(feature, category) is group


def test_a_cap_resets_at_midnight_utc() -> None:
    """The last day of a year ends with the year."""
    assert resets_at(date(2026, 12, 31)) == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "prices",
    [
        [],
        [Price("ai", UsageCategory.AI, 1)],
        [Price("AI", UsageCategory.AI, -1)],
        [Price("AI", UsageCategory.AI, 10**9 + 1)],
        [Price("AI", UsageCategory.AI, 1)] * 2,
        [Price(f"F{n}", UsageCategory.AI, 1) for n in range(501)],
    ],
)
def test_a_matrix_that_can_not_be_published_is_refused(prices: list[Price]) -> None:
    """Empty, too long, a bad name, a bad price or a feature twice is INVALID_INPUT."""
    with pytest.raises(InvalidInput):
        validate_matrix(prices)


def test_premium_is_what_costs_credits_outside_the_community() -> None:
    """Free and community features are not premium."""
    cases = [(UsageCategory.AI, 1), (UsageCategory.AI, 0), (UsageCategory.COMMUNITY, 8)]
    assert [is_premium(*case) for case in cases] == [True, False, False]


def test_each_role_can_do_what_the_next_one_can() -> None:
    """Owner over admin over member over viewer, and each can do something more."""
    assert all(ROLE_PERMISSIONS[higher] > ROLE_PERMISSIONS[lower] for higher, lower in pairwise(Role))


def test_a_missing_permission_is_forbidden() -> None:
    """A viewer who spends is told which role it has and what it may not do."""
    with pytest.raises(AccessDenied, match="viewer may not spend"):
        Actor(1, Role.VIEWER).require(Permission.SPEND)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_retry_waits_longer_each_time_up_to_a_limit(attempt: int, jitter: float) -> None:
    """The wait is between half and the whole of its power of two, and never more than the limit."""
    whole = min(2.0 ** min(attempt - 1, 30), LONGEST_RETRY_SECONDS)
    assert whole / 2 <= retry_delay(attempt, jitter).total_seconds() <= whole


@given(st.text(min_size=1, max_size=50))
def test_a_clients_key_never_meets_one_of_the_system(key: str) -> None:
    """The same text hashes differently in the two key spaces."""
    assert key_hash(key) != key_hash(key, SYSTEM_KEY)


def test_an_adjustment_goes_the_way_of_its_sign() -> None:
    """Positive gives to the available credits, negative takes from them."""
    given_, taken = adjustment_route(5), adjustment_route(-5)
    assert (given_[1], taken[0]) == (Account.AVAILABLE, Account.AVAILABLE)
