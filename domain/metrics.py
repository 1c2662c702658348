"""Metrics: what a project measures besides credits, how its units add up, and when an event is too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput
from domain.inputs import check_text
from domain.limits import FIRST_YEAR, LAST_YEAR, MAX_UNITS
from domain.pricing import FEATURE_NAME, UsageCategory

if TYPE_CHECKING:
    from datetime import datetime

MAX_METRICS: Final = 200
"""Metrics of one project, archived ones included."""

LATE_DAYS: Final = 35
"""How late an event may come unless its metric says otherwise: a month, and some days to send it."""

MAX_LATE_DAYS: Final = 400
CLOCK_SKEW_SECONDS: Final = 300
"""How far ahead of ours a caller's clock may be."""

MAX_RECORDED_UNITS: Final = 10**12
"""Units of one recorded event: a terabyte in bytes. A charged event has at most MAX_UNITS, as a spend."""

MAX_UNIT_CHARACTERS: Final = 32


class Aggregation(IntEnum):
    """How the units of a metric's events become one figure. Over wallets and members figures are always added up."""

    SUM = 1
    """All of them are added up: requests, tokens, minutes."""
    MAX = 2
    """The largest event of each wallet and member counts: the most seats in use."""
    LATEST = 3
    """The last event of each wallet and member counts: bytes stored."""


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric as its project wants it; `feature` is the one whose price a charge takes."""

    key: str
    name: str
    unit: str
    category: UsageCategory
    aggregation: Aggregation = Aggregation.SUM
    feature: str | None = None
    late_days: int = LATE_DAYS


def validate_metric(metric: MetricDefinition) -> None:
    """Raise InvalidInput unless the metric can be defined."""
    if not FEATURE_NAME.fullmatch(metric.key):
        message = "A metric's key is 2 to 64 capital letters, digits and underscores, and starts with a letter."
        raise InvalidInput(message, field=["key"])
    check_text(metric.name, "name")
    check_text(metric.unit, "unit", MAX_UNIT_CHARACTERS)
    if metric.feature is not None:
        check_text(metric.feature, "feature")
    if not 0 <= metric.late_days <= MAX_LATE_DAYS:
        raise InvalidInput(f"lateDays is 0 to {MAX_LATE_DAYS}.", field=["lateDays"])


def check_event_units(units: int, *, charged: bool) -> None:
    """Raise InvalidInput unless an event may have so many units; below zero, a recorded one takes units back."""
    least, most = (1, MAX_UNITS) if charged else (-MAX_RECORDED_UNITS, MAX_RECORDED_UNITS)
    if not least <= units <= most:
        raise InvalidInput(f"units is {least} to {most}: use a larger unit for more.", field=["units"])


def check_time(occurred_at: datetime | None) -> None:
    """Raise InvalidInput unless a time, where there is one, has its offset and is one that clocks show."""
    if occurred_at is None:
        return
    if occurred_at.tzinfo is None:
        raise InvalidInput("occurredAt needs an offset, such as 2026-01-31T18:30:00Z.", field=["occurredAt"])
    if not FIRST_YEAR <= occurred_at.year <= LAST_YEAR:
        raise InvalidInput(f"occurredAt is in a year from {FIRST_YEAR} to {LAST_YEAR}.", field=["occurredAt"])


def latest_time(now: datetime) -> datetime:
    """Up to when usage may have occurred, by our clock and a caller's that may be ahead."""
    return now + timedelta(seconds=CLOCK_SKEW_SECONDS)
