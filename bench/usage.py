"""Every question about usage beside 100,000 transactions and beside ROWS, each over 1,000 wallets and 400 days.

Two databases on one server, filled by the same generator, with a few rows at the end that no fold has seen yet, and
with a recorded event of four metrics for every 100 rows. Each question goes to one and then to the other through the
service, without the cache, and to the large one with it; a round before the first is not counted, so all is warm.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg
import uvloop

from bench import database
from bench.generator import PROJECT, History, fill
from bench.metered import meter
from bench.scale import SMALL_ROWS, second
from bench.usage_questions import DAY, NEW_YORK, ROUNDS, Side, questions, report
from db.folds import unmade
from db.migrate import upgrade
from domain.permissions import Actor, Role
from runtime import collector
from runtime.embedded import Servers, embedded
from runtime.process import open_coffer
from runtime.settings import read_settings
from services.keys import issue_key
from services.usage import fold_recorded, make_clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from uuid import UUID

    from live.figures import Figures

    Ask = Callable[["Side"], Awaitable[int]]

MAKING_RUNS: Final = 100


class Forgetful:
    """A cache that keeps nothing."""

    async def find(self, _question: str, _version: str) -> None:
        """Nothing."""

    async def keep(self, _question: str, _version: str, _figure: Any) -> None:  # noqa: ANN401 - any figure
        """Not kept."""


async def wallets_of(url: str) -> list[UUID]:
    """The wallets, the busiest first."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("select uuid from wallet order by sequence desc, id")
    await connection.close()
    return [row["uuid"] for row in rows]


async def milliseconds(ask: Ask, side: Side) -> tuple[float, int]:
    """How long the answer takes, and how many slices it has."""
    began = time.perf_counter()
    slices = await ask(side)
    return (time.perf_counter() - began) * 1_000, slices


async def measure(sides: list[Side], only: str) -> None:
    """Print a row for each question: of both databases, and of the large one with the cache."""
    forgetful = [replace(side, coffer=replace(side.coffer, figures=cast("Figures", Forgetful()))) for side in sides]
    print("| median (p95) ms | slices | few rows | many rows | ratio of medians | remembered |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, ask in questions().items():
        if only not in name:
            continue
        found: list[list[tuple[float, int]]] = [[], [], []]
        for number in range(ROUNDS + 1):
            sides[1].asked = 0
            for place, side in enumerate([*forgetful, sides[1]]):
                answer = await milliseconds(ask, side)
                found[place] += [answer] if number else []
        few, many, kept = ([taken for taken, _ in answers] for answers in found)
        slices = [statistics.median(count for _, count in answers) for answers in found]
        ratio = statistics.median(many) / statistics.median(few)
        counts = f"{slices[0]:,.0f}, {slices[1]:,.0f}"
        print(f"| {name} | {counts} | {_shown(few)} | {_shown(many)} | {ratio:.2f} | {_shown(kept)} |", flush=True)


def _shown(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} ({statistics.quantiles(times, n=20)[-1]:.1f})"


@contextmanager
def servers(folder: Path | None) -> Iterator[Servers]:
    """Servers of the run's own, or those of a folder that stays."""
    if folder is None:
        with database.servers() as running:
            yield running
    else:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        with embedded(folder, lambda _line: None) as running:
            yield running


@asynccontextmanager
async def opened(url: str, redis_url: str) -> AsyncIterator[Side]:
    """A side of the comparison."""
    async with open_coffer(read_settings(), url, redis_url) as coffer:
        key = (await issue_key(coffer.database, PROJECT, Role.OWNER)).key
        side = Side(coffer, Actor(key.project_id, Role.OWNER, key.id), await wallets_of(url))
        yield side


async def make_days(side: Side) -> None:
    """Fold recorded usage, ask for days of New York, and have them made, as a worker would."""
    began = time.perf_counter()
    await fold_recorded(side.coffer)
    for _ in range(MAKING_RUNS):
        await report(0, (DAY,), 400, NEW_YORK)(side)
        async with side.coffer.database.reading() as session:
            if not await unmade(session):
                break
        await make_clocks(side.coffer)
    print(f"days of {NEW_YORK} made in {time.perf_counter() - began:,.0f} s", flush=True)


async def compare(urls: list[str], redis_url: str, only: str) -> None:
    """Ask both databases."""
    async with opened(urls[0], redis_url) as few, opened(urls[1], redis_url) as many, collector.paced():
        for side in (few, many):
            await make_days(side)
        await measure([few, many], only)


async def complete(url: str) -> None:
    """Record usage unless there is some, and tidy up behind that or a migration, as PostgreSQL does after a while."""
    began = time.perf_counter()
    if events := await meter(url):
        print(f"{events:,} events recorded in {time.perf_counter() - began:,.0f} s", flush=True)
    connection = await asyncpg.connect(url)
    await connection.execute("vacuum analyze", timeout=None)
    await connection.close()


async def fill_new(running: Servers, rows: int) -> list[str]:
    """The addresses of both databases, which are made and filled, or brought to this release when they are there."""
    connection = await asyncpg.connect(running.database_url)
    there = await connection.fetchval("select 1 from pg_database where datname = 'small'")
    await connection.close()
    if there:
        urls = [running.database_url.replace("/coffer?", "/small?"), running.database_url]
        for url in urls:
            await asyncio.to_thread(upgrade, url)
            await complete(url)
        return urls
    urls = [await second(running.database_url), running.database_url]
    for url, many in zip(urls, (SMALL_ROWS, rows), strict=True):
        await asyncio.to_thread(upgrade, url)
        began = time.perf_counter()
        await fill(url, History(many), lambda _rows: None)
        print(f"{many:,} rows written and folded in {time.perf_counter() - began:,.0f} s", flush=True)
        await complete(url)
    return urls


def main() -> None:
    """Measure, on servers of the run's own unless a folder is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="a folder whose databases stay for the next run")
    parser.add_argument("--only", default="", help="questions with these words in their name")
    words = parser.parse_args()
    with servers(words.keep) as running:
        urls = uvloop.run(fill_new(running, words.rows))
        uvloop.run(compare(urls, running.redis_url, words.only))


if __name__ == "__main__":
    main()
