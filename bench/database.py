"""A database of the benchmark's own, with funded wallets."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from db.migrate import upgrade
from runtime.embedded import Servers, embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

WALLETS = 1_000
FUNDS = 10**12


@contextmanager
def servers() -> Iterator[Servers]:
    """Fresh embedded servers with the settings of a user's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with embedded(Path(folder), lambda _line: None) as running:
            upgrade(running.database_url)
            yield running


async def fund(database_url: str, wallets: int = WALLETS) -> list[int]:
    """Make a project with wallets of FUNDS credits each, by rows that the books account for."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("insert into project (id, name) values (1, 'bench')")
    await connection.execute("insert into price_version (project_id, version) values (1, 1)")
    await connection.execute(
        "insert into feature_price select 1, 1, feature, category, cap_group, credits from feature_price"
        " where project_id = 0",
    )
    await connection.execute(
        "insert into wallet (project_id, owner_type, owner_id, uuid)"
        " select 1, 1, 'w' || g, gen_random_uuid() from generate_series(1, $1) g",
        wallets,
    )
    await connection.execute(
        "select ledger.post(id, 3::int2, 3::int2, 11::int2, 1::int2, $1, 'start', md5('start')::uuid, null, null, null)"
        " from wallet",
        FUNDS,
    )
    ids = [row[0] for row in await connection.fetch("select id from wallet order by id")]
    await connection.execute("vacuum analyze")
    await connection.close()
    return ids
