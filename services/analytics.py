"""Usage figures that answer one question each: in sum, by one key, how fast, beside last month, what most."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from domain.analytics import (
    TOP_FEATURES,
    GroupBy,
    UsageSummary,
)
from domain.errors import InvalidInput
from domain.limits import MAX_PAGE_ITEMS
from domain.permissions import Actor, Permission
from domain.pricing import UsageCategory
from domain.trends import StorageGrowth, StoragePoint, burn_rate, first_day_needed, month_to_date, storage_points
from domain.usage import checked_zone
from services.usage import UsageQuestion, by_key, usage_report
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.analytics import UsageSlice
    from domain.trends import BurnRate, MonthToDate
    from domain.usage import UsageReport, UsageRow
    from services.coffer import Coffer

    Wallets = Sequence[UUID | None] | None
    """Wallets, or None for the whole project."""

    AskedDays = tuple[date | None, date | None, str | None]
    """The first day and the last, inclusive, and whose days: the time zone; None is the default of each."""


async def usage_summary(coffer: Coffer, actor: Actor, wallet: UUID | None, days: AskedDays) -> UsageSummary:
    """Usage over a range of days, by default the last 30. NotFound, InvalidInput."""
    await _require(coffer, actor, wallet)
    zone = checked_zone(days[2])
    today = coffer.clock().astimezone(zone).date()
    asked = UsageQuestion([wallet], (GroupBy.FEATURE,), *days, metrics=True)
    report = await usage_report(coffer, actor, asked)
    by_day = await _by_day(coffer, actor, [wallet], today, zone.key)
    pace = burn_rate(by_day, today, zone.key)
    month = month_to_date(by_day, today, zone.key)
    top = by_key(report.slices[:TOP_FEATURES])
    return UsageSummary(report.credits, report.events, pace.per_day7, pace.today, month.credits, top, report.metrics)


async def usage_breakdown(
    coffer: Coffer, actor: Actor, wallet: UUID | None, group_by: GroupBy, days: AskedDays
) -> list[UsageSlice]:
    """Usage over a range of days by one key. NotFound, InvalidInput."""
    await _require(coffer, actor, wallet)
    report = await usage_report(coffer, actor, UsageQuestion([wallet], (group_by,), *days))
    return by_key(report.slices)


async def usage_burn_rate(coffer: Coffer, actor: Actor, wallets: Wallets, time_zone: str | None) -> BurnRate:
    """How fast credits are used. NotFound, InvalidInput."""
    zone = checked_zone(time_zone)
    today = coffer.clock().astimezone(zone).date()
    return burn_rate(await _by_day(coffer, actor, wallets, today, zone.key), today, zone.key)


async def usage_month_to_date(coffer: Coffer, actor: Actor, wallets: Wallets, time_zone: str | None) -> MonthToDate:
    """This month so far beside the last. NotFound, InvalidInput."""
    zone = checked_zone(time_zone)
    today = coffer.clock().astimezone(zone).date()
    return month_to_date(await _by_day(coffer, actor, wallets, today, zone.key), today, zone.key)


async def top_features(coffer: Coffer, actor: Actor, asked: UsageQuestion, first: int) -> Sequence[UsageRow]:
    """The features that cost most, with the period before. NotFound, InvalidInput."""
    if not 1 <= first <= MAX_PAGE_ITEMS:
        raise InvalidInput(f"first is 1 to {MAX_PAGE_ITEMS}.", field=["first"])
    report = await usage_report(coffer, actor, replace(asked, group_by=(GroupBy.FEATURE,), compare=True))
    return report.slices[:first]


async def storage_growth(coffer: Coffer, actor: Actor, asked: UsageQuestion) -> StorageGrowth:
    """Storage bought by day, week or month, as `group_by` says, and in as many days before. NotFound, InvalidInput."""
    if not asked.group_by or asked.group_by[0] not in {GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH}:
        raise InvalidInput("by is DAY, WEEK or MONTH.", field=["by"])
    storage = replace(asked, group_by=(GroupBy.FEATURE, asked.group_by[0]), category=UsageCategory.STORAGE)
    report = await usage_report(coffer, actor, storage)
    days = (report.to_day - report.from_day).days + 1
    earlier = replace(
        storage, from_day=report.from_day - timedelta(days=days), to_day=report.from_day - timedelta(days=1)
    )
    before = _stored(await usage_report(coffer, actor, earlier))
    points = _stored(report)
    added = points[-1].total_megabytes if points else 0
    previous = before[-1].total_megabytes if before else 0
    span = (report.from_day, report.to_day, report.time_zone)
    return StorageGrowth(*span, report.credits, added, previous, added / days, points)


def _stored(report: UsageReport) -> list[StoragePoint]:
    return storage_points((row.keys[0], row.keys[1], row.credits, row.units) for row in report.slices)


async def _by_day(coffer: Coffer, actor: Actor, wallets: Wallets, today: date, time_zone: str) -> Mapping[date, int]:
    """Credits of each day that a burn rate or a month needs: one question for all of them, so it is remembered once."""
    asked = UsageQuestion(wallets, (GroupBy.DAY,), first_day_needed(today), today, time_zone)
    report = await usage_report(coffer, actor, asked)
    return {date.fromisoformat(row.keys[0]): row.credits for row in report.slices}


async def _require(coffer: Coffer, actor: Actor, wallet: UUID | None) -> None:
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        await require_wallet(session, actor, wallet)
