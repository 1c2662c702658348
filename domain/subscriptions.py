"""Subscriptions: credits bought again and again, by themselves, until somebody cancels."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

RENEWAL_GRACE: Final = timedelta(hours=1)
"""So long after a period's end a renewal is expected to be told; then the provider is asked."""

LONGEST_UNASKED: Final = timedelta(days=1)
"""A provider is asked about a running subscription at least that often."""


class BillingInterval(IntEnum):
    """How often a subscription is paid."""

    MONTH = 1
    """Every month."""
    YEAR = 2
    """Every year."""


class SubscriptionStatus(IntEnum):
    """Where a subscription stands."""

    PENDING = 1
    """The buyer has to pay for the first period."""
    ACTIVE = 2
    """It renews by itself."""
    PAST_DUE = 3
    """A renewal was declined or is on pause; the provider tries again."""
    CANCELLED = 4
    """It ended: nothing is charged any more."""


RUNNING: Final = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})
"""Statuses in which the provider may charge."""


def next_check(paid_until: datetime | None, now: datetime) -> datetime:
    """When to ask about a running subscription again: after its period's end, within an hour and a day from now."""
    expected = now if paid_until is None else paid_until + RENEWAL_GRACE
    return min(max(expected, now + RENEWAL_GRACE), now + LONGEST_UNASKED)
