"""Forecasts of usage."""

from datetime import date, datetime

import strawberry

from domain.outlook import DEFAULT_ALERT_DAYS
from schema.enums import UsageCategory
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import id_field


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
class Runway:
    """Days from now until the available credits are spent."""

    likely_days: float | None
    """At what is expected; null when nothing is."""
    early_days: float | None
    """At the upper end of the 80 % range; null when that is more than a year away."""
    late_days: float | None
    """At the lower end of the 80 % range; null when that is more than a year away."""


@published
class UsageSpike:
    """A day whose usage stands out from the days around it."""

    date: date
    """The day (UTC); today counts with what it has so far."""
    category: UsageCategory
    """Whose usage it is."""
    credits: Credits
    """Credits spent."""
    usual: float
    """The credits that are usual on such a weekday."""


@published
class UsageForecast:
    """What is expected to be spent, of the wallet or of one of its categories."""

    next_month_credits: Credits
    """Over the next 30 days."""
    lower: Credits
    """The lower end of the 80 % range."""
    upper: Credits
    """The upper end of the 80 % range."""
    horizon_credits: Credits
    """Over the whole horizon."""
    horizon_lower: Credits
    """The lower end of the 80 % range."""
    horizon_upper: Credits
    """The upper end of the 80 % range."""
    points: list[ForecastPoint]
    """Day by day over the horizon, from tomorrow."""
    runway_days: float | None
    """Days until the available credits are spent at what is expected; null when nothing is."""
    runway: Runway
    """The same with the ends of the 80 % range."""
    spikes: list[UsageSpike]
    """Days of the last 30 that stand out in AI usage, or in the category asked for; newest first."""
    model: str
    """BLENDED_SMOOTHING; WEEKDAY_MEAN until the worker has made that; INSUFFICIENT_HISTORY (the plain daily mean) under
    14 days of usage."""
    made_on: date
    """The day that it was made on (UTC)."""
    history_from: date | None
    """The first day of the usage that it was fitted to; null when there is no whole day yet."""
    history_to: date | None
    """The last day of it."""


@published
class AccuracyPoint:
    """What was expected of one day, and what it came to."""

    date: date
    """The day (UTC)."""
    expected: float
    """Credits."""
    lower: float
    """The lower end of the 80 % range."""
    upper: float
    """The upper end of the 80 % range."""
    actual: Credits
    """Credits spent."""


@published
class ForecastAccuracy:
    """A month's first forecast beside what happened, as far as the month is over."""

    from_day: date = strawberry.field(name="from", description="The day that the forecast was made on.")
    to_day: date = strawberry.field(name="to", description="The last day that is compared.")
    expected: Credits
    """Credits in all."""
    lower: Credits
    """The lower end of the 80 % range."""
    upper: Credits
    """The upper end of the 80 % range."""
    actual: Credits
    """Credits spent."""
    within_range: bool
    """Whether they are inside the range."""
    days_within_range: BigInt
    """Days whose credits are inside their own ranges."""
    points: list[AccuracyPoint]
    """Day by day."""
    model: str
    """The model that made it."""
    history_from: date
    """The first day of the usage that it was fitted to."""
    history_to: date
    """The last day of it."""


@published
class RunwayAlert:
    """A wallet's likely runway fell under its number of days; raised once until it has 10 % more than it needs."""

    alert_days: BigInt
    """The number of days."""
    runway_days: float
    """Days until the available credits are likely spent."""
    early_days: float | None
    """The early end of the 80 % range."""
    late_days: float | None
    """The late end of the 80 % range; null when that is more than a year away."""
    available_credits: Credits
    """Available credits at that moment."""
    raised_at: datetime
    """When it was noticed."""
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""


@accepted
class RunwayAlertInput:
    """When to be told that a wallet's credits end."""

    wallet_id: strawberry.ID
    """The wallet."""
    days: int | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Alert under that many days of likely runway; 0 for never, null for {DEFAULT_ALERT_DAYS}.",
    )


@published
class RunwayAlertPayload:
    """The number of days in force, or why not."""

    days: BigInt | None = None
    """Alert under that many days; 0 is never."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
