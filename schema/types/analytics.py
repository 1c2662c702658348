"""Usage figures."""

from datetime import datetime

from schema.publishing import published
from schema.scalars import BigInt, Credits


@published
class UsageSlice:
    """Usage of one feature, category, member or day."""

    key: str
    """Which one."""
    credits: Credits
    """Credits spent."""
    events: BigInt
    """Spends."""
    last_activity_at: datetime | None
    """The last of them."""


@published
class UsageSummary:
    """Usage of a wallet over a range of days (UTC)."""

    credits: Credits
    """Credits spent in the range."""
    events: BigInt
    """Spends in the range."""
    burn_rate_per_day: float
    """Mean credits a day over the last 7 days."""
    today: Credits
    """Credits spent today."""
    month_to_date: Credits
    """Credits spent this month."""
    top_features: list[UsageSlice]
    """The five features that cost most in the range."""
