"""Usage figures of one wallet, read from the rollup."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

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
from domain.pricing import UsageCategory
from services.wallets import require_wallet

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
        features = await rollups.grouped(session, found.id, GroupBy.FEATURE, start, end)
    top = _slices(features[:TOP_FEATURES], GroupBy.FEATURE)
    return UsageSummary(credits, events, burned / BURN_RATE_DAYS, used_today, month, top)


async def usage_breakdown(
    coffer: Coffer, actor: Actor, wallet: UUID | None, group_by: GroupBy, days: tuple[date | None, date | None]
) -> list[UsageSlice]:
    """Usage over a range of UTC days by feature, category, member or day. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    start, end = day_range(*days, coffer.clock().date())
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return _slices(await rollups.grouped(session, found.id, group_by, start, end), group_by)


def _slices(rows: Sequence[Any], group_by: GroupBy) -> list[UsageSlice]:
    return [UsageSlice(_key(row[0], group_by), int(row[1]), int(row[2]), row[3]) for row in rows]


def _key(value: Any, group_by: GroupBy) -> str:  # noqa: ANN401 - a text, a number or a date
    if group_by is GroupBy.CATEGORY:
        return "HOLD" if value is None else UsageCategory(value).name
    return str(value)
