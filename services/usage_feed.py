"""The running day's usage of a wallet, live."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.analytics import GroupBy
from domain.permissions import Actor, Permission
from domain.usage import checked_zone, midnight
from live import topics
from services.usage import UsageQuestion, usage_report
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from domain.usage import UsageReport
    from live.hub import Inbox
    from services.coffer import Coffer

PUSH_SECONDS: Final = 1.0


async def watch_usage(
    coffer: Coffer, actor: Actor, wallet: UUID | None, time_zone: str | None
) -> AsyncIterator[UsageReport]:
    """Today by feature and metric now, then as it changes, at most once in PUSH_SECONDS, and each new day at its start.

    NotFound, InvalidInput.
    """
    actor.require(Permission.READ)
    zone = checked_zone(time_zone)
    async with coffer.feeds, coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
    async with coffer.hub.subscribe(topics.wallet(found.id), also=[topics.usage(found.id)]) as inbox:
        report, read_at = await _today(coffer, actor, wallet, zone), time.monotonic()
        yield report
        while await _news(coffer, inbox, midnight(report.to_day + timedelta(days=1), zone)):
            await asyncio.sleep(max(0.0, read_at + PUSH_SECONDS - time.monotonic()))
            newer, read_at = await _today(coffer, actor, wallet, zone), time.monotonic()
            if newer != report:
                report = newer
                yield report


async def _news(coffer: Coffer, inbox: Inbox, tomorrow: datetime) -> bool:
    """Wait for a message, or for the next day; False when the feed is over."""
    seconds = (tomorrow - coffer.clock()).total_seconds()
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await anext(inbox)
    except TimeoutError:
        return True
    except StopAsyncIteration:
        return False
    return True


async def _today(coffer: Coffer, actor: Actor, wallet: UUID | None, zone: ZoneInfo) -> UsageReport:
    async with coffer.feeds:
        today = coffer.clock().astimezone(zone).date()
        asked = UsageQuestion([wallet], (GroupBy.FEATURE,), today, today, zone.key, metrics=True)
        return await usage_report(coffer, actor, asked)
