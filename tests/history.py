"""Usage of past days, written as the engine would have on those days."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import asyncpg

from domain.pricing import UsageCategory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from db.models.ledger import Wallet

FEATURES = {
    UsageCategory.AI: "AI_SUMMARY",
    UsageCategory.API: "API_BASIC_REQUEST",
    UsageCategory.STORAGE: "STORAGE_1GB",
}
BOOK = """insert into usage_rollup (wallet_id, day, feature, member, events, units, credits, last_activity_at, category)
values ($1, $2, $3, '', 1, 1, $4, $5, $6)"""


async def book(
    database_url: str, wallet: Wallet, by_day: Mapping[date, int], category: UsageCategory = UsageCategory.API
) -> None:
    """Put credits of days into the rollup."""
    rows = [
        (wallet.id, day, FEATURES[category], credits, datetime.combine(day, time(12), UTC), int(category))
        for day, credits in by_day.items()
    ]
    connection = await asyncpg.connect(database_url)
    try:
        await connection.executemany(BOOK, rows)
    finally:
        await connection.close()
