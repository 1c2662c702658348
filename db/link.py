"""A link: one connection to the posting engine, which survives the loss of the database under it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from db.database import SERVER_SETTINGS
from db.rows import Row
from db.spends import Spent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.spends import SpendRequest

BATCH_REQUESTS: Final = 1_000
COMMAND_TIMEOUT_SECONDS: Final = 30.0
CONNECT_TIMEOUT_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 10.0
"""How long a batch waits for a lost database to come back before its callers are told BUSY."""

RECONNECT_PAUSE_SECONDS: Final = 0.1

_ONE: Final = "select * from ledger.spend($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_MANY: Final = "select * from ledger.spend_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_EACH: Final = "select * from ledger.spend_each($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_SETTINGS: Final = SERVER_SETTINGS | {"plan_cache_mode": "force_generic_plan", "application_name": "coffer lane"}

CONNECTION_FAULTS: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says when the connection is cut in the middle of one of its own exchanges.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)

_NO_WALLET: Final = Row({})

_log: Final = structlog.get_logger()
_batches: Final = Histogram(
    "coffer_lane_batch_requests",
    "Spends that went to the database in one call.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, BATCH_REQUESTS),
)
_resends: Final = Counter("coffer_lane_resends_total", "Batches sent again after a lost connection.")


class Link:
    """One connection; it is opened anew when it was lost."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._one: asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect."""
        self._connection = await self._connect()

    async def close(self) -> None:
        """Close; nothing is in work any more."""
        await self._disconnect()

    async def post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        """Post, and once more after a lost connection: the keys make the second time harmless."""
        try:
            return await self._post(requests)
        except CONNECTION_FAULTS as fault:
            _log.warning("lane.connection_lost", requests=len(requests), fault=repr(fault))
            _resends.inc()
            await self._reconnect()
            return await self._post(requests)

    async def _post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        _batches.observe(len(requests))
        if self._connection is None:
            await self._reconnect()
        connection = self._connection
        assert connection is not None  # noqa: S101 - _reconnect raises when it can't
        if len(requests) == 1:
            assert self._one is not None  # noqa: S101 - prepared with the connection
            return _spents(requests, await self._one.fetch(*requests[0]))
        rows = await connection.fetch(_MANY, *zip(*requests, strict=True))
        answered = {row["item"] for row in rows if row["item"] is not None}
        if len(answered) < len(requests):
            rows += await self._post_rest(connection, requests, answered)
        return _spents(requests, rows)

    async def _post_rest(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        requests: Sequence[SpendRequest],
        answered: set[int],
    ) -> list[Any]:
        """Post one by one what the set-based batch left out."""
        left = [item for item in range(1, len(requests) + 1) if item not in answered]
        columns = zip(*(requests[item - 1] for item in left), strict=True)
        rows = await connection.fetch(_EACH, *columns)
        return [{**row, "item": left[row["item"] - 1]} for row in rows]

    async def _reconnect(self) -> None:
        """Open a new connection, trying for RECONNECT_SECONDS."""
        await self._disconnect()
        async with asyncio.timeout(RECONNECT_SECONDS):
            while self._connection is None:
                try:
                    self._connection = await self._connect()
                except CONNECTION_FAULTS:
                    await asyncio.sleep(RECONNECT_PAUSE_SECONDS)

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        connection = await asyncpg.connect(
            self._url,
            server_settings=_SETTINGS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
        )
        try:
            self._one = await connection.prepare(_ONE)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _spents(requests: Sequence[SpendRequest], rows: Sequence[Any]) -> list[Spent]:
    """Match the engine's rows to their requests; the last row of a wallet is the newest."""
    postings = {row["item"]: row for row in rows}
    wallets = {row["wallet"]["id"]: Row(row["wallet"]) for row in rows if row["wallet"] is not None}
    return [
        Spent(request, postings[item], wallets.get(request.wallet_id, _NO_WALLET))
        for item, request in enumerate(requests, start=1)
    ]
