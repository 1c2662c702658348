"""Questions about usage: which days, in which time zone, by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import InvalidInput
from domain.limits import MAX_CREDITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from domain.analytics import GroupBy, UsageSlice

DEFAULT_TIME_ZONE: Final = "Asia/Kolkata"
"""For projects that pay in INR, as all of them do."""

MAX_KEYS: Final = 2
_NAMES: Final = frozenset(available_timezones()) - {"localtime"}
"""Without the name of whatever zone this machine is in, which PostgreSQL does not know."""


class UsageRow(NamedTuple):
    """Usage of one combination of keys, and of the same keys in the period before when that was asked for."""

    keys: Sequence[str]
    credits: int
    events: int
    units: int
    last_activity_at: datetime
    previous_credits: int | None = None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Usage over a range of days of a time zone, and on request of as many days before it.

    `previous_slices` are those of that time; the previous credits of a slice are found where no key is a time.
    """

    from_day: date
    to_day: date
    time_zone: str
    credits: int
    events: int
    units: int
    previous_credits: int | None
    slices: Sequence[UsageRow]
    metrics: Sequence[UsageSlice] = ()
    previous_slices: Sequence[UsageRow] | None = None


def checked_zone(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name; DEFAULT_TIME_ZONE when there is none. InvalidInput."""
    if name is not None and name not in _NAMES:
        raise InvalidInput("timeZone is an IANA name, written as in Asia/Kolkata.", field=["timeZone"])
    return ZoneInfo(name or DEFAULT_TIME_ZONE)


def check_keys(group_by: Sequence[GroupBy]) -> None:
    """InvalidInput unless there are at most two different keys."""
    if len(group_by) > MAX_KEYS or len(set(group_by)) != len(group_by):
        raise InvalidInput(f"groupBy has at most {MAX_KEYS} different keys.", field=["groupBy"])


def check_units(units: int) -> None:
    """InvalidInput when so many units are more than JSON carries exactly."""
    if units > MAX_CREDITS:
        raise InvalidInput(f"Units add up to more than {MAX_CREDITS}: ask for fewer days, or record in a larger unit.")


def instants(start: date, end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the first day begins and when the last has ended, in UTC."""
    return midnight(start, zone), midnight(end + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day of a zone begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
