"""A link: one connection to the posting engine, which survives the loss of the database under it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from db.database import SERVER_SETTINGS
from db.outages import CONNECTION_FAULTS
from db.rows import Row
from db.spends import answered_alone, answered_together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from asyncpg.prepared_stmt import PreparedStatement

    from db.known_wallets import KnownWallets
    from db.spends import SpendRequest, Spent

BATCH_REQUESTS: Final = 1_000
COMMAND_TIMEOUT_SECONDS: Final = 30.0
CONNECT_TIMEOUT_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 10.0
"""How long a batch waits for a lost database to come back before its callers are told BUSY."""

PROBE_SECONDS: Final = 5.0
"""How long batches look for known keys first after a batch that met one; else the unique index finds them."""

RECONNECT_PAUSE_SECONDS: Final = 0.1

_ONE: Final = "select * from ledger.spend($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_MANY: Final = "select * from ledger.spend_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_WALLETS: Final = "select * from wallet where id = any($1)"
_EACH: Final = "select * from ledger.spend_each($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_TRUST_INDEX: Final = False
_PROBE: Final = True
_SETTINGS: Final = SERVER_SETTINGS | {"plan_cache_mode": "force_generic_plan", "application_name": "coffer lane"}

_log: Final = structlog.get_logger()
_batches: Final = Histogram(
    "coffer_lane_batch_requests",
    "Spends that went to the database in one call.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, BATCH_REQUESTS),
)
_resends: Final = Counter("coffer_lane_resends_total", "Batches sent again after a lost connection.")


class Link:
    """One connection, which `connect` makes as asyncpg.connect does; it is opened anew when it was lost."""

    def __init__(
        self,
        database_url: str,
        known: KnownWallets,
        connect: Callable[..., Awaitable[asyncpg.Connection[asyncpg.Record]]] = asyncpg.connect,
    ) -> None:
        self._url = database_url
        self._known = known
        self._open = connect
        self._statements: _Statements | None = None
        self._probe_until = 0.0
        self.resent = False
        """Whether the last batch went out twice: a replay in its answers may be of its own first time."""

    async def open(self) -> None:
        """Connect."""
        self._statements = await self._connect()

    async def close(self) -> None:
        """Close; nothing is in work any more."""
        await self._disconnect()

    async def post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        """Post, and once more after a lost connection: the keys make the second time harmless."""
        self.resent = False
        if self._statements is None:
            await self._reconnect()
        try:
            return await self._post(requests)
        except CONNECTION_FAULTS as fault:
            _log.warning("lane.connection_lost", requests=len(requests), fault=repr(fault))
            _resends.inc()
            self.resent = True
            await self._reconnect()
            return await self._post(requests)

    async def _post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        _batches.observe(len(requests))
        statements = self._statements
        assert statements is not None  # noqa: S101 - _reconnect raises when it can't
        if len(requests) == 1:
            row = await statements.one.fetchrow(*requests[0])
            assert row is not None  # noqa: S101 - a function that returns one row
            return [answered_alone(requests[0], row)]
        batch = await self._batch(statements, _columns(requests))
        if batch["items"] is None:
            answers: list[Spent | None] = [None] * len(requests)
        else:
            answers = answered_together(requests, batch, await self._wallets(statements, batch))
        return await self._rest(statements, requests, answers)

    async def _batch(self, statements: _Statements, columns: Sequence[Any]) -> asyncpg.Record:
        """Post what fits. Keys are looked up beforehand only for a while after one of them was known."""
        now = asyncio.get_running_loop().time()
        if now >= self._probe_until:
            batch = await statements.many.fetchrow(_TRUST_INDEX, *columns)
            assert batch is not None  # noqa: S101 - a function that returns one row
            if batch["posted_at"] is not None:
                return batch
            self._probe_until = now + PROBE_SECONDS
        batch = await statements.many.fetchrow(_PROBE, *columns)
        assert batch is not None  # noqa: S101 - a function that returns one row
        return batch

    async def _wallets(self, statements: _Statements, batch: asyncpg.Record) -> Mapping[int, Row]:
        """The wallets of a batch's answer; those that are not known as they are now are read."""
        wallets = self._known.changed(batch)
        if len(wallets) < len(batch["wallets"]):
            missing = [wallet_id for wallet_id in batch["wallets"] if wallet_id not in wallets]
            rows = [dict(row) for row in await statements.wallets.fetch(missing)]
            self._known.keep(rows)
            wallets |= {row["id"]: Row(row) for row in rows}
        return wallets

    async def _rest(
        self, statements: _Statements, requests: Sequence[SpendRequest], answers: Sequence[Spent | None]
    ) -> list[Spent]:
        """Post one by one, in their order, what the set-based batch left out."""
        left = [request for request, answer in zip(requests, answers, strict=True) if answer is None]
        rows = iter(await statements.each.fetch(*_columns(left)) if left else ())
        return [
            answered_alone(request, next(rows)) if answer is None else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    async def _reconnect(self) -> None:
        """Open a new connection, trying for RECONNECT_SECONDS."""
        await self._disconnect()
        async with asyncio.timeout(RECONNECT_SECONDS):
            while self._statements is None:
                try:
                    self._statements = await self._connect()
                except CONNECTION_FAULTS:
                    await asyncio.sleep(RECONNECT_PAUSE_SECONDS)

    async def _connect(self) -> _Statements:
        connection = await self._open(
            self._url,
            server_settings=_SETTINGS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
        )
        try:
            prepared = [await connection.prepare(query) for query in (_ONE, _MANY, _EACH, _WALLETS)]
            # The driver leaves the last of them open on the server, under the statement timeout, until it is used.
            await connection.execute("select 1")
        except BaseException:
            connection.terminate()
            raise
        return _Statements(connection, *prepared)

    async def _disconnect(self) -> None:
        statements, self._statements = self._statements, None
        if statements is not None:
            statements.connection.terminate()


class _Statements(NamedTuple):
    """A connection and what was prepared on it."""

    connection: asyncpg.Connection[asyncpg.Record]
    one: PreparedStatement[asyncpg.Record]
    many: PreparedStatement[asyncpg.Record]
    each: PreparedStatement[asyncpg.Record]
    wallets: PreparedStatement[asyncpg.Record]


def _columns(requests: Sequence[SpendRequest]) -> list[Sequence[Any] | None]:
    """The requests as the engine's arrays; a column without a value goes as null, which is far cheaper."""
    columns = zip(*requests, strict=True)
    return [None if column.count(None) == len(column) else column for column in columns]
