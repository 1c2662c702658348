"""Usage figures of one wallet, read from the rollup."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from db import rollups
from domain.analytics import (
    BURN_RATE_DAYS,
    TOP_FEATURES,
    GroupBy,
    UsageSlice,
    UsageSummary,
    day_range,
)
from domain.permissions import Actor, Permission
from services.usage import UsageQuestion, metrics_used, usage_report
from services.wallets import require_wallet

UTC: Final = ZoneInfo("UTC")

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from services.coffer import Coffer


async def usage_summary(
    coffer: Coffer, actor: Actor, wallet: UUID | None, from_day: date | None, to_day: date | None
) -> UsageSummary:
    """Usage over a range of UTC days, by default the last 30. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    today = coffer.clock().date()
    start, end = day_range(from_day, to_day, today)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        credits, events = await rollups.total(session, found.id, start, end)
        burned, _ = await rollups.total(session, found.id, today - timedelta(days=BURN_RATE_DAYS - 1), today)
        used_today, _ = await rollups.total(session, found.id, today, today)
        month, _ = await rollups.total(session, found.id, today.replace(day=1), today)
        features = await rollups.by_feature(session, found.id, start, end)
        metrics = await metrics_used(session, actor, [found.id], (start, end), UTC)
    top = _slices(features[:TOP_FEATURES])
    return UsageSummary(credits, events, burned / BURN_RATE_DAYS, used_today, month, top, metrics)


async def usage_breakdown(
    coffer: Coffer, actor: Actor, wallet: UUID | None, group_by: GroupBy, days: tuple[date | None, date | None]
) -> list[UsageSlice]:
    """Usage over a range of UTC days by one key. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        await require_wallet(session, actor, wallet)
    report = await usage_report(coffer, actor, UsageQuestion([wallet], (group_by,), *days, "UTC"))
    return [UsageSlice(row.keys[0], row.credits, row.events, row.units, row.last_activity_at) for row in report.slices]


def _slices(rows: Sequence[Any]) -> list[UsageSlice]:
    return [UsageSlice(str(row[0]), int(row[1]), int(row[2]), int(row[3]), row[4]) for row in rows]
