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
