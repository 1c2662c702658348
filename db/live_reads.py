"""What thousands ask for at once: balances, and what live streams read when they begin or hear of a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db import projects, transactions, wallets
from db.gathering import Gathered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Database
    from db.models.ledger import Wallet

ROWS_AT_ONCE: Final = 250
"""Wallets, keys or streams for which one query reads."""

VERSIONS_AT_ONCE: Final = 2_000
"""Wallets of which one query reads whether they changed."""

MISSED_TRANSACTIONS: Final = 100
"""Missed transactions of one stream in one read; the next ones follow in the next."""


class LiveReads:
    """Reads of wallets and of missed transactions, gathered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.named: Gathered[tuple[int, UUID], Wallet] = Gathered(self._named, ROWS_AT_ONCE)
        """The wallet of a project and a uuid."""
        self.now: Gathered[int, Any] = Gathered(self._now, ROWS_AT_ONCE)
        """The wallet of an id."""
        self.versions: Gathered[int, tuple[int, datetime]] = Gathered(self._versions, VERSIONS_AT_ONCE)
        """A wallet's sequence and the time of its last change."""
        self.missed: Gathered[tuple[int, int], list[Any]] = Gathered(self._missed, ROWS_AT_ONCE)
        """A wallet's transactions above a sequence, oldest first, MISSED_TRANSACTIONS at most."""
        self.revoked: Gathered[int, bool] = Gathered(self._revoked, ROWS_AT_ONCE)
        """True for an API key that was revoked, nothing for one that is good."""

    async def _revoked(self, ids: Sequence[int]) -> dict[int, bool]:
        async with self._database.reading() as session:
            return dict.fromkeys(await projects.revoked_keys(session, ids), True)

    async def _named(self, keys: Sequence[tuple[int, UUID]]) -> dict[tuple[int, UUID], Wallet]:
        async with self._database.reading() as session:
            found = await wallets.with_uuids(session, [uuid for _, uuid in keys])
        return {(wallet.project_id, wallet.uuid): wallet for wallet in found}

    async def _now(self, ids: Sequence[int]) -> dict[int, Any]:
        async with self._database.reading() as session:
            return {wallet.id: wallet for wallet in await wallets.rows_of(session, ids)}

    async def _versions(self, ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
        async with self._database.reading() as session:
            return await wallets.versions(session, ids)

    async def _missed(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[Any]]:
        async with self._database.reading() as session:
            return await transactions.following_each(session, keys, MISSED_TRANSACTIONS)
