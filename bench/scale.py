"""Pages and key look-ups beside 100,000 rows and beside ROWS rows, and how many bytes a row takes.

Two databases on one server, filled by the same generator. Each query goes to one and then to the other, for PICKS
wallets in ROUNDS rounds; a round before the first is not counted, so everything is warm.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

import asyncpg
import uvloop
from sqlalchemy import Engine, event

from bench.database import servers
from bench.generator import History, fill
from db.database import SERVER_SETTINGS, Database
from db.migrate import upgrade
from db.reconcile import reconcile
from db.transactions import newest
from domain.pages import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Connection = asyncpg.Connection[asyncpg.Record]

SMALL_ROWS: Final = 100_000
PAGE_ROWS: Final = 51
"""A page of 50, and the row more that tells whether there is another page."""

PICKS: Final = 200
ROUNDS: Final = 20
_KEY: Final = "select * from credit_transaction c where c.wallet_id = $1 and c.key_hash = $2"
_LONG_WALLETS: Final = "select id, sequence from wallet where sequence > $1 order by id limit $2"
_HASH: Final = "select key_hash from credit_transaction where wallet_id = $1 and sequence = $2"
_SIZES: Final = """
    select 'heap' as part, pg_relation_size('credit_transaction') as bytes
    union all select indexrelid::regclass::text, pg_relation_size(indexrelid) from pg_index
      where indrelid = 'credit_transaction'::regclass
    union all select 'total', pg_total_relation_size('credit_transaction')
    union all select 'usage_rollup', pg_total_relation_size('usage_rollup')"""


class Query(NamedTuple):
    """A statement as PostgreSQL gets it, and its parameters."""

    statement: str
    parameters: tuple[Any, ...]


@contextmanager
def sent() -> Iterator[list[Query]]:
    """The statements that SQLAlchemy hands to the driver in the block."""
    queries: list[Query] = []

    def keep(*words: Any) -> None:  # noqa: ANN401 - what SQLAlchemy passes
        queries.append(Query(words[2], tuple(words[3])))

    event.listen(Engine, "before_cursor_execute", keep)
    yield queries
    event.remove(Engine, "before_cursor_execute", keep)


async def queries_of(url: str) -> dict[str, list[Query]]:
    """The same kinds of queries for any size: PICKS wallets with more than two pages, drawn alike."""
    chance = random.Random(1)
    connection = await asyncpg.connect(url)
    wallets = await connection.fetch(_LONG_WALLETS, 2 * PAGE_ROWS, PICKS)
    assert len(wallets) == PICKS, f"only {len(wallets)} wallets have two pages"
    places = [(row["id"], chance.randint(1, row["sequence"])) for row in wallets]
    hashes = [await connection.fetchval(_HASH, wallet, place) for wallet, place in places]
    await connection.close()
    half = [(row["id"], row["sequence"] // 2 + PAGE_ROWS) for row in wallets]
    return {
        "newest page": await pages(url, [(row["id"], None) for row in wallets]),
        "page half-way down": await pages(url, half),
        "a known key": [Query(_KEY, (wallet, found)) for (wallet, _), found in zip(places, hashes, strict=True)],
        "a new key": [Query(_KEY, (wallet, uuid4())) for wallet, _ in places],
    }


async def pages(url: str, places: Sequence[tuple[int, int | None]]) -> list[Query]:
    """The very statements behind `transactions`: the newest rows of a wallet below a sequence."""
    database = Database(url)
    with sent() as queries:
        for wallet, before in places:
            async with database.reading() as session:
                rows = await newest(session, [wallet], None, Page(PAGE_ROWS - 1, before))
            assert len(rows[wallet]) == PAGE_ROWS
    await database.close()
    pages = [query for query in queries if "credit_transaction" in query.statement]
    assert len(pages) == len(places)
    return pages


async def microseconds(connection: Connection, query: Query) -> float:
    """How long the answer takes."""
    began = time.perf_counter_ns()
    await connection.fetch(query.statement, *query.parameters)
    return (time.perf_counter_ns() - began) / 1_000


async def measure(urls: Sequence[str]) -> dict[str, list[list[float]]]:
    """The times of every kind of query beside few rows and beside many."""
    connections = [await asyncpg.connect(url, server_settings=SERVER_SETTINGS) for url in urls]
    kinds = [await queries_of(url) for url in urls]
    times: dict[str, list[list[float]]] = {kind: [[], []] for kind in kinds[0]}
    for number in range(ROUNDS + 1):
        for kind, found in times.items():
            for pair in zip(*(queries[kind] for queries in kinds), strict=True):
                taken = [
                    await microseconds(connection, query) for connection, query in zip(connections, pair, strict=True)
                ]
                for side, figure in zip(found, taken, strict=True):
                    side.extend([figure] if number else [])
    for connection in connections:
        await connection.close()
    return times


def print_times(times: Mapping[str, Sequence[Sequence[float]]], rows: int) -> None:
    """A row for each kind of query."""
    print(f"| microseconds, median (p95) | {SMALL_ROWS:,} rows | {rows:,} rows | ratio of medians | of p95 |")
    print("| --- | --- | --- | --- | --- |")
    for kind, sides in times.items():
        middle = [statistics.median(side) for side in sides]
        slow = [statistics.quantiles(side, n=20)[-1] for side in sides]
        figures = " | ".join(f"{a:,.0f} ({b:,.0f})" for a, b in zip(middle, slow, strict=True))
        print(f"| {kind} | {figures} | {middle[1] / middle[0]:.2f} | {slow[1] / slow[0]:.2f} |")


async def print_sizes(urls: Sequence[str], rows: int) -> None:
    """Bytes on disk for each row of the ledger."""
    print(f"\n| bytes a row | {SMALL_ROWS:,} rows | {rows:,} rows |\n| --- | --- | --- |")
    sizes: list[dict[str, int]] = []
    for url in urls:
        connection = await asyncpg.connect(url)
        sizes.append({row["part"]: row["bytes"] for row in await connection.fetch(_SIZES)})
        await connection.close()
    for part, size in sizes[0].items():
        print(f"| {part} | {size / SMALL_ROWS:.1f} | {sizes[1][part] / rows:.1f} |")


async def fill_both(urls: Sequence[str], rows: int) -> None:
    """Make and fill the two databases' histories."""
    began = time.perf_counter()

    def progress(done: int) -> None:
        seconds = time.perf_counter() - began
        print(f"{done:,} rows after {seconds:,.0f} s", flush=True)

    for url, many in zip(urls, (SMALL_ROWS, rows), strict=True):
        await fill(url, History(many), progress)


async def check(url: str) -> None:
    """The books of the large database."""
    began = time.perf_counter()
    report = await reconcile(url)
    seconds = time.perf_counter() - began
    print(f"\nreconcile over {report['transactions']:,} rows: {report['violations']} violations, {seconds:,.0f} s")
    assert report["violations"] == 0, json.dumps(report, default=str)


async def second(url: str) -> str:
    """The address of another empty database on the same server."""
    connection = await asyncpg.connect(url)
    await connection.execute("create database small")
    await connection.close()
    return url.replace("/coffer?", "/small?")


def main() -> None:
    """Measure on servers of the run's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with servers() as running:
        small = uvloop.run(second(running.database_url))
        upgrade(small)
        urls = [small, running.database_url]
        uvloop.run(fill_both(urls, rows))
        print_times(uvloop.run(measure(urls)), rows)
        uvloop.run(print_sizes(urls, rows))
        uvloop.run(check(running.database_url))


if __name__ == "__main__":
    main()
