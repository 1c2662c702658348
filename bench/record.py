"""Events a second: recorded and charged in batches of 1,000, beside a plain insert of the same rows, in one run.

The plain insert writes the same rows into the same table with the same indexes over one connection; it resolves no
wallet and no metric, answers nothing and keeps no sums.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import asyncpg
import uvloop

from bench.database import fund, servers
from db import recording
from db.database import Database
from db.metrics import define
from db.recording import UsageRecord
from db.spends import key_uuid
from domain.limits import MAX_BATCH_ITEMS
from domain.metrics import MetricDefinition
from domain.pricing import UsageCategory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

ROUNDS = 3
BATCHES = 5
"""Batches of one round."""

MEMBERS = 20
_numbers = count()
_PLAIN = """insert into usage_event (wallet_id, metric_id, units, occurred_at, recorded_at, api_key_id, key_hash,
  idempotency_key, member) select w, 1, u, o, now(), null, h, k, m
  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[]) t (w, u, o, h, k, m)"""


@dataclass(frozen=True)
class Bench:
    """What the rounds work with."""

    database: Database
    plain: Any
    wallets: Sequence[UUID]
    now: datetime


def batch(bench: Bench, wallets: Sequence[Any]) -> list[UsageRecord]:
    """A batch of new events over the wallets, of the last two days."""
    found = []
    for _ in range(MAX_BATCH_ITEMS):
        number = next(_numbers)
        key, at = f"event-{number}", bench.now - timedelta(seconds=number * 7 % 170_000)
        place = (wallets[number % len(wallets)], "TOKENS", 1 + number % 9, f"member {number % MEMBERS}", at)
        found.append(UsageRecord(bench.now, 1, None, *place, key, key_uuid(key), None, None))
    return found


async def called(bench: Bench, call: Callable[..., Awaitable[Any]], wallets: Sequence[UUID]) -> float:
    """Events a second through one of the engine's functions."""
    batches = [batch(bench, wallets) for _ in range(BATCHES)]
    started = time.perf_counter()
    for events in batches:
        async with bench.database.transaction() as session:
            answers = await call(session, events)
            assert {answer["outcome"] for answer in answers} == {0}
    return BATCHES * MAX_BATCH_ITEMS / (time.perf_counter() - started)


async def plain(bench: Bench, wallets: int) -> float:
    """Bare rows a second, of wallets that do not exist."""
    batches = [batch(bench, range(10**6, 10**6 + wallets)) for _ in range(BATCHES)]
    columns = [
        [
            [getattr(event, name) for event in events]
            for name in ("wallet", "units", "occurred_at", "key_hash", "key", "member")
        ]
        for events in batches
    ]
    started = time.perf_counter()
    for words in columns:
        await bench.plain.execute(_PLAIN, *words)
    return BATCHES * MAX_BATCH_ITEMS / (time.perf_counter() - started)


async def singles(bench: Bench, wallets: Sequence[UUID]) -> float:
    """Events a second when 1,000 callers send one at a time."""
    left = iter([event for _ in range(BATCHES) for event in batch(bench, wallets)])

    async def caller() -> None:
        for event in left:
            await bench.database.recorder.record(event)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(1_000)))
    return BATCHES * MAX_BATCH_ITEMS / (time.perf_counter() - started)


async def measure(bench: Bench) -> None:
    """Print the medians of ROUNDS interleaved rounds, spread over all wallets and on a hot one."""
    print("| events a second | recorded | one by one | charged | plain insert | recorded of plain |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, wallets in (("spread over 1,000 wallets", bench.wallets), ("one hot wallet", bench.wallets[:1])):
        kinds: list[Callable[[], Awaitable[float]]] = [
            partial(called, bench, recording.record, wallets),
            partial(singles, bench, wallets),
            partial(called, bench, recording.charge, wallets),
            partial(plain, bench, len(wallets)),
        ]
        rounds = [[await run() for run in kinds] for _ in range(ROUNDS)]
        middle = [statistics.median(column) for column in zip(*rounds, strict=True)]
        print(
            f"| {name} | {' | '.join(f'{value:,.0f}' for value in middle)} | {middle[0] / middle[3]:.2f} |", flush=True
        )
    query = "select pg_total_relation_size('usage_event') / count(*) from usage_event"
    print(f"\n{await bench.plain.fetchval(query)} bytes an event with its indexes.")


async def main(url: str) -> None:
    """Fund wallets, define a metric and measure."""
    await fund(url)
    database, connection = Database(url), await asyncpg.connect(url)
    metric = MetricDefinition("TOKENS", "Tokens", "tokens", UsageCategory.API, feature="API_BASIC_REQUEST")
    async with database.transaction() as session:
        await define(session, 1, metric)
    uuids = [row[0] for row in await connection.fetch("select uuid from wallet order by id")]
    await measure(Bench(database, connection, uuids, datetime.now(UTC)))
    await connection.close()
    await database.close()


if __name__ == "__main__":
    with servers() as running:
        uvloop.run(main(running.database_url))
