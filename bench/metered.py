"""Made-up recorded usage beside a history of the ledger: four metrics, by the engine's own booking of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from bench.generator import CHANCE, PROJECT
from db.database import Database
from db.metrics import define
from domain.metrics import Aggregation, MetricDefinition
from domain.pricing import UsageCategory

EVENT_ROWS: Final = 100
"""Rows of the ledger for each recorded event."""

CHUNK_EVENTS: Final = 25_000
DAYS: Final = 400
METRICS: Final = (
    MetricDefinition("TOKENS", "Tokens", "tokens", UsageCategory.AI),
    MetricDefinition("VISITS", "Visits", "visits", UsageCategory.API),
    MetricDefinition("SEATS", "Seats", "seats", UsageCategory.COMMUNITY, Aggregation.MAX),
    MetricDefinition("STORED", "Stored", "GB", UsageCategory.STORAGE, Aggregation.LATEST),
)
_BOOK: Final = """
select count(*) from ledger.book_usage((
  select array_agg((n, null, ($3::bigint[])[1 + floor(cardinality($3::bigint[]) * power(pg_temp.chance(n, 1), 2))::int],
    ($4::bigint[])[1 + floor(4 * pg_temp.chance(n, 2))::int], null, null, null, 1 + floor(20 * pg_temp.chance(n, 3)),
    case when pg_temp.chance(n, 4) < 0.5 then 'member-' || n % 2 end, $5::timestamptz + n * $6::interval, n::text,
    md5('event ' || n)::uuid, null, null, null, null, now())::ledger.usage_asked)
  from generate_series($1::bigint, $2::bigint) n))"""


async def meter(url: str) -> int:
    """Record one event for EVENT_ROWS rows of the ledger, unless the project has metrics; how many."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "public, ledger", "timezone": "UTC"})
    project_id = await connection.fetchval("select id from project where name = $1", PROJECT)
    if await connection.fetchval("select 1 from metric where project_id = $1", project_id):
        await connection.close()
        return 0
    database = Database(url)
    async with database.transaction() as session:
        metrics = [await define(session, project_id, metric) for metric in METRICS]
    ids = [metric.id for metric in metrics if metric]
    wallets = [row["id"] for row in await connection.fetch("select id from wallet order by id")]
    events = await connection.fetchval("select sum(sequence)::bigint from wallet") // EVENT_ROWS
    start, step = datetime.now(UTC) - timedelta(days=DAYS), timedelta(days=DAYS) / max(events, 1)
    await connection.execute(CHANCE)
    for first in range(0, events, CHUNK_EVENTS):
        last = min(first + CHUNK_EVENTS, events) - 1
        await connection.execute(_BOOK, first, last, wallets, ids, start, step, timeout=None)
    await connection.close()
    await database.close()
    return int(events)
