"""Fills a ledger with made-up history, by sets: chains, balances and usage are as the engine would have left them.

The rows come in the order of time over all the wallets, as real ones do, so a wallet's rows lie scattered over the
table, and the indexes grow row by row. What a row says is drawn from a hash of its number: the same figures, the same
rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from db.database import Database
from domain.permissions import Role
from services.keys import issue_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.keys import CreatedKey

PROJECT: Final = "generated"
CHUNK_ROWS: Final = 200_000
FOLD_ROWS: Final = 500_000
WAITING_ROWS: Final = 499
"""Rows at the end that are not folded, as many as wait for a fold at most."""

WORK_MEMORY: Final = "256MB"
FULL_CREDITS: Final = 5_500
REFILL_ROWS: Final = 50
"""Every so many rows of a wallet one grant fills it up again; it can't run dry in between at a price of at most 40."""


STATEMENT: Final = Path(__file__).with_name("history.sql")


@dataclass(frozen=True)
class History:
    """How much history; `skew` 1 spreads the rows evenly over the wallets, 2 gives the busiest one 3 % of them."""

    rows: int
    wallets: int = 1_000
    days: int = 400
    skew: float = 2.0


_FOLD: Final = "select ledger.fold_usage($1, $2)"
CHANCE: Final = """
create function pg_temp.chance(n bigint, draw int) returns float8 language sql immutable as
$$ select (hashint8extended(n, draw) & 1048575) / 1048576.0::float8 $$"""


async def fill(database_url: str, history: History, progress: Callable[[int], None]) -> CreatedKey:
    """Write the history into a migrated, empty database, up to now, and vacuum it; an owner's key of its project."""
    created = await _open_project(database_url)
    connection = await asyncpg.connect(database_url, server_settings={"work_mem": WORK_MEMORY, "timezone": "UTC"})
    wallets = await _open_wallets(connection, created.key.project_id, history)
    await connection.execute(CHANCE)
    statement = STATEMENT.read_text()
    step = timedelta(days=history.days) / history.rows
    start = datetime.now(UTC) - timedelta(days=history.days)
    words = (wallets, history.skew, start, step, created.key.id, created.key.project_id, FULL_CREDITS, REFILL_ROWS)
    folded = max(history.rows - WAITING_ROWS, 0)
    for first, last in [*_chunks(0, folded), (folded, history.rows)]:
        if first == folded:
            await _fold(connection, created.key.project_id)
        await connection.execute(statement, first, last - 1, *words, timeout=None)
        progress(last)
    await connection.execute("vacuum analyze")
    await connection.close()
    return created


def _chunks(first: int, end: int) -> list[tuple[int, int]]:
    return [(start, min(start + CHUNK_ROWS, end)) for start in range(first, end, CHUNK_ROWS)]


async def _fold(connection: asyncpg.Connection[asyncpg.Record], project_id: int) -> None:
    await connection.execute("vacuum analyze credit_transaction, wallet")
    while await connection.fetchval(_FOLD, project_id, FOLD_ROWS, timeout=None) >= FOLD_ROWS:
        pass


async def _open_project(database_url: str) -> CreatedKey:
    database = Database(database_url)
    try:
        return await issue_key(database, PROJECT, Role.OWNER)
    finally:
        await database.close()


async def _open_wallets(connection: asyncpg.Connection[asyncpg.Record], project_id: int, history: History) -> list[int]:
    rows = await connection.fetch(
        "insert into wallet (project_id, owner_type, owner_id, uuid, created_at)"
        " select $1, 1, 'owner-' || g, gen_random_uuid(), now() - make_interval(days => $3)"
        " from generate_series(1, $2::int) g returning id",
        project_id,
        history.wallets,
        history.days,
    )
    return [row["id"] for row in rows]
