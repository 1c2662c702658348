"""Usage figures."""

from datetime import date, datetime

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


@published
class ForecastPoint:
    """What is expected on one day."""

    date: date
    """The day (UTC)."""
    expected: float
    """Credits."""
    lower: float
    """The lower end of the 80 % range."""
    upper: float
    """The upper end of the 80 % range."""


@published
class UsageForecast:
    """What is expected to be spent."""

    next_month_credits: Credits
    """Over the next 30 days."""
    lower: Credits
    """The lower end of the 80 % range."""
    upper: Credits
    """The upper end of the 80 % range."""
    points: list[ForecastPoint]
    """Day by day over the horizon."""
    runway_days: float | None
    """Days until the available credits are spent at the mean rate; null when nothing is spent."""
    model: str
    """WEEKDAY_MEAN, or INSUFFICIENT_HISTORY (the plain daily mean) under 14 days of usage."""
