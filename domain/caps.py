"""Daily caps: which spends count against which cap, and when a day ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Final

from domain.pricing import UsageCategory


class CapGroup(IntEnum):
    """A daily cap of a wallet; units of a spend count against the group of its feature."""

    NONE = 0
    AI = 1
    WEBHOOK = 2
    EMAIL = 3


DAILY_CAP_UNITS: Final[dict[CapGroup, int]] = {CapGroup.AI: 200, CapGroup.WEBHOOK: 10_000, CapGroup.EMAIL: 5_000}
"""Units per wallet and UTC day: AI requests, webhooks and e-mails (source: the business facts of the design)."""

CAP_CATEGORY: Final[dict[CapGroup, UsageCategory]] = {
    CapGroup.AI: UsageCategory.AI,
    CapGroup.WEBHOOK: UsageCategory.WEBHOOK,
    CapGroup.EMAIL: UsageCategory.QUEUE,
}


def cap_group(feature: str, category: int) -> CapGroup:
    """The cap that a feature's units count against."""
    if category == UsageCategory.AI:
        return CapGroup.AI
    if category == UsageCategory.WEBHOOK:
        return CapGroup.WEBHOOK
    return CapGroup.EMAIL if feature == "EMAIL_SEND" else CapGroup.NONE


def resets_at(day: date) -> datetime:
    """The first instant of the next UTC day."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


class CapMeasure(IntEnum):
    """What a cap counts."""

    CREDITS = 1
    """What was spent."""
    UNITS = 2
    """How often, times the quantity."""


class CapPeriod(IntEnum):
    """When a cap starts anew: each UTC day, each UTC month, or never at once: it looks back over its window."""

    DAY = 1
    """A day (UTC)."""
    MONTH = 2
    """A month (UTC)."""
    SLIDING = 3
    """The window before each spend."""


MAX_CAPS: Final = 50
"""Caps of one wallet; a spend of a capped wallet looks at each."""

MIN_WINDOW_SECONDS: Final = 60
MAX_WINDOW_SECONDS: Final = 31 * 24 * 3600
WINDOW_BUCKETS: Final = 60
"""A sliding window counts in this many parts; the oldest counts whole until it has left, so never too little."""

BURN_LIMIT_CREDITS: Final = 5_000
"""Credits spent in a sliding 24 h above which a wallet burns rapidly (source: the business facts of the design)."""
