"""Wrong rows, planted to see that reconcile finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from db.reconcile import PROMISES

if TYPE_CHECKING:
    from collections.abc import Mapping


async def unnoticed(database_url: str, planted: Mapping[str, str]) -> list[str]:
    """The changes, made one by one by somebody with all rights, that do not break the promise about them."""
    admin = await asyncpg.connect(database_url)
    await admin.execute("set session_replication_role = replica")
    found = []
    for change, promise in planted.items():
        transaction = admin.transaction()
        await transaction.start()
        await admin.execute(change)
        found += [] if await admin.fetch(PROMISES[promise]) else [change]
        await transaction.rollback()
    await admin.close()
    return found
