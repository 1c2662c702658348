"""The running day's usage of a wallet, live."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from domain.analytics import GroupBy
from domain.permissions import Actor, Permission
from domain.usage import checked_zone
from live import topics
from services.usage import UsageQuestion, usage_report
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from domain.usage import UsageReport
    from services.coffer import Coffer

PUSH_SECONDS: Final = 1.0


async def watch_usage(
    coffer: Coffer, actor: Actor, wallet: UUID | None, time_zone: str | None
) -> AsyncIterator[UsageReport]:
    """Today by feature and metric now, then as it changes, at most once in PUSH_SECONDS. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
    async with coffer.hub.subscribe(topics.wallet(found.id), also=[topics.usage(found.id)]) as inbox:
        report, read_at = await _today(coffer, actor, wallet, time_zone), time.monotonic()
        yield report
        async for _ in inbox:
            await asyncio.sleep(max(0.0, read_at + PUSH_SECONDS - time.monotonic()))
            newer, read_at = await _today(coffer, actor, wallet, time_zone), time.monotonic()
            if newer != report:
                report = newer
                yield report


async def _today(coffer: Coffer, actor: Actor, wallet: UUID | None, time_zone: str | None) -> UsageReport:
    today = coffer.clock().astimezone(checked_zone(time_zone)).date()
    asked = UsageQuestion([wallet], (GroupBy.FEATURE,), today, today, time_zone, metrics=True)
    return await usage_report(coffer, actor, asked)
