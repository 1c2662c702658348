"""Lanes: how spends reach the posting engine fast.

A lane is one connection that serves the wallets whose ids hash to it. A request is sent at once when the lane is idle;
while it works, the next ones gather and go as one batch with one commit. Every caller gets its own answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from db.database import SERVER_SETTINGS
from db.rows import Row
from db.spends import SpendRequest, Spent
from domain.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LANES: Final = 2
BATCH_REQUESTS: Final = 500
QUEUE_REQUESTS: Final = 20_000
"""Waiting requests of one lane; beyond it callers are told to come back (BUSY)."""

COMMAND_TIMEOUT_SECONDS: Final = 30.0
CONNECT_TIMEOUT_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 10.0
"""How long a batch waits for a lost database to come back before its callers are told BUSY."""

RECONNECT_PAUSE_SECONDS: Final = 0.1

_ONE: Final = "select item, posting, wallet from ledger.spend($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_MANY: Final = "select item, posting, wallet from ledger.spend_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_EACH: Final = "select item, posting, wallet from ledger.spend_each($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_SETTINGS: Final = SERVER_SETTINGS | {"plan_cache_mode": "force_generic_plan", "application_name": "coffer lane"}

_CONNECTION_FAULTS: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
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

Waiting = tuple[SpendRequest, "asyncio.Future[Spent]"]


class Lanes:
    """The lanes of one process. `committed` is called with what each batch posted, right after its commit."""

    def __init__(self, database_url: str, committed: Callable[[list[Spent]], None], count: int = LANES) -> None:
        self._lanes = [Lane(database_url, committed) for _ in range(count)]

    async def connect(self) -> None:
        """Open every lane."""
        for lane in self._lanes:
            await lane.open()

    def spend(self, request: SpendRequest) -> asyncio.Future[Spent]:
        """Queue a spend. The future gets the engine's answer; cancelling it does not undo the spend. Raises Busy."""
        return self._lanes[request.wallet_id % len(self._lanes)].put(request)

    async def close(self) -> None:
        """Answer what is waiting, then close."""
        await asyncio.gather(*(lane.close() for lane in self._lanes))


class Lane:
    """One connection and the requests that wait for it."""

    def __init__(self, database_url: str, committed: Callable[[list[Spent]], None]) -> None:
        self._url = database_url
        self._committed = committed
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect and start serving."""
        self._connection = await self._connect()
        self._task = asyncio.create_task(self._serve())

    def put(self, request: SpendRequest) -> asyncio.Future[Spent]:
        """Queue one request; Busy when the queue is full or the process is stopping."""
        if self._closing or len(self._waiting) >= QUEUE_REQUESTS:
            raise Busy("Too many spends are waiting: send the same request with the same key in a moment.")
        future: asyncio.Future[Spent] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._arrived.set()
        return future

    async def close(self) -> None:
        """Serve what is left, then disconnect."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    async def _serve(self) -> None:
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            count = min(len(self._waiting), BATCH_REQUESTS)
            await self._answer([self._waiting.popleft() for _ in range(count)])

    async def _answer(self, batch: list[Waiting]) -> None:
        """Give every caller its own answer, and the listener what was committed."""
        try:
            answers = await self._post_twice([request for request, _ in batch])
        except Exception as fault:  # noqa: BLE001 - whatever it is, these callers wait for an answer
            _log.warning("lane.batch_failed", requests=len(batch), fault=repr(fault))
            await self._answer_failed(batch, fault)
            return
        self._committed([answer for answer in answers if answer.posting["outcome"] == 0])
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _answer_failed(self, batch: list[Waiting], fault: Exception) -> None:
        """One bad request must not take its neighbours down: try each alone unless the database is gone."""
        if len(batch) > 1 and not isinstance(fault, _CONNECTION_FAULTS):
            for waiting in batch:
                await self._answer([waiting])
            return
        error = fault
        if isinstance(fault, _CONNECTION_FAULTS):
            error = Busy("The database did not answer: send the same request with the same key again.")
        for _, future in batch:
            if not future.done():
                future.set_exception(error)

    async def _post_twice(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        """Post, and once more after a lost connection: the keys make the second time harmless."""
        try:
            return await self._post(requests)
        except _CONNECTION_FAULTS as fault:
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
            return _spents(requests, await connection.fetch(_ONE, *requests[0]))
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
        return [{"item": left[row["item"] - 1], "posting": row["posting"], "wallet": row["wallet"]} for row in rows]

    async def _reconnect(self) -> None:
        """Open a new connection, trying for RECONNECT_SECONDS."""
        await self._disconnect()
        async with asyncio.timeout(RECONNECT_SECONDS):
            while self._connection is None:
                try:
                    self._connection = await self._connect()
                except _CONNECTION_FAULTS:
                    await asyncio.sleep(RECONNECT_PAUSE_SECONDS)

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            self._url,
            server_settings=_SETTINGS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
        )

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _spents(requests: Sequence[SpendRequest], rows: Sequence[Any]) -> list[Spent]:
    """Match the engine's rows to their requests; the last row of a wallet is the newest."""
    postings = {row["item"]: row["posting"] for row in rows}
    wallets = {row["wallet"]["id"]: Row(row["wallet"]) for row in rows if row["wallet"] is not None}
    return [
        Spent(request, postings[item], wallets.get(request.wallet_id, _NO_WALLET))
        for item, request in enumerate(requests, start=1)
    ]
