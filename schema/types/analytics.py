"""Usage figures."""

from datetime import date, datetime

import strawberry

from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits


@published
class UsageSlice:
    """Usage of one feature, category, member, day or metric."""

    key: str
    """Which one."""
    credits: Credits
    """Credits spent; of a metric, what was charged for its units."""
    events: BigInt
    """Spends; of a metric, what was recorded."""
    units: BigInt
    """Units of the features, or of the metric as it adds them up."""
    last_activity_at: datetime | None
    """The last of them."""


@published
class UsageSummary:
    """Usage of a wallet over a range of days of a time zone."""

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
    metrics: list[UsageSlice]
    """Recorded usage in the range by metric, on the days of the use."""


@published
class UsageReportSlice:
    """Usage of one combination of keys."""

    keys: list[str]
    """One for each of `groupBy`, in its order."""
    credits: Credits
    """Credits spent."""
    events: BigInt
    """Spends and captures."""
    units: BigInt
    """Units of the features, or of metrics as they add them up."""
    last_activity_at: datetime
    """The last of them."""
    previous_credits: Credits | None
    """Credits of the same keys in the period before; null unless compared, and where a key is a time."""


@published
class UsageReport:
    """Usage over a range of days of a time zone."""

    from_day: date
    """The first day."""
    to_day: date
    """The last day, inclusive."""
    time_zone: str
    """Whose days these are."""
    credits: Credits
    """Credits spent."""
    events: BigInt
    """Spends and captures."""
    units: BigInt
    """Units of all slices together; they say little where features or metrics differ."""
    previous_credits: Credits | None
    """Credits in as many days before the range; null unless compared."""
    slices: list[UsageReportSlice]
    """Most credits first; by time when a key is one."""
    previous_slices: list[UsageReportSlice] | None
    """Slices of as many days before the range, as `slices`, those too whose keys came no more; null unless compared."""
    metrics: list[UsageSlice]
    """Recorded usage of the same wallets and days by metric, on the days of the use."""


@published
class BurnRate:
    """How fast credits are used."""

    today: Credits
    """Credits spent today so far."""
    per_day7: float
    """Mean credits a day over the last 7 days, today included."""
    per_day28: float
    """Mean credits a day over the last 28 days, today included."""
    trend: float | None
    """The last 7 whole days beside the 7 before: 0.25 is a quarter more; null when those had none."""
    time_zone: str
    """Whose days these are."""


@published
class MonthToDate:
    """A month so far, beside the month before."""

    month: date
    """The first day of the month."""
    credits: Credits
    """Credits spent in it."""
    last_month_to_date: Credits
    """Credits spent in as many days of the month before, which may have fewer."""
    last_month: Credits
    """Credits spent in all of the month before."""
    change: float | None
    """This month beside as many days of the last: 0.25 is a quarter more; null when those had none."""
    time_zone: str
    """Whose days these are."""


@published
class StoragePoint:
    """Storage bought in one day, week or month."""

    key: str
    """Which one, written as in `usageReport`."""
    credits: Credits
    """Credits spent on storage."""
    added_megabytes: BigInt
    """Megabytes bought with STORAGE_100MB and STORAGE_1GB."""
    total_megabytes: BigInt
    """All of them since the range began."""


@published
class StorageGrowth:
    """Storage bought over a range of days."""

    from_day: date
    """The first day."""
    to_day: date
    """The last day, inclusive."""
    time_zone: str
    """Whose days these are."""
    credits: Credits
    """Credits spent on storage."""
    added_megabytes: BigInt
    """Megabytes bought in the range."""
    previous_megabytes: BigInt
    """Megabytes bought in as many days before it."""
    per_day_megabytes: float
    """Mean growth a day."""
    points: list[StoragePoint]
    """By time; periods without storage are left out."""


@accepted
class UsageDays:
    """A range of days of a time zone, inclusive, at most 400."""

    from_: date | None = strawberry.field(name="from", default=strawberry.UNSET)
    """The first day; default 30 days ago."""
    to: date | None = strawberry.UNSET
    """The last day; default today."""
    time_zone: str | None = strawberry.UNSET
    """An IANA name; default Asia/Kolkata."""
