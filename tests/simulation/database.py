"""A database server for links: connections and prepared statements that fail as their fates say."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from db.spends import SpendRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.faults import Fate, Faults
    from tests.simulation.ledger import Ledger

START = datetime(2026, 1, 1, tzinfo=UTC)


def virtual_now() -> datetime:
    """The database's clock."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class Database:
    """The server: it may be down for a while, and then it takes its connections along."""

    def __init__(self, ledger: Ledger, faults: Faults, trace: list[tuple[Any, ...]]) -> None:
        self.ledger = ledger
        self.faults = faults
        self.connections: list[Connection] = []
        self._trace = trace
        self._down_until = 0.0

    async def connect(self, _url: str, **_options: object) -> Any:  # noqa: ANN401 - stands for asyncpg's connection
        """Connect as asyncpg.connect does."""
        connection = Connection(self, len(self.connections))
        await self.shake_hands(connection, "connect")
        connection.open = True
        self.connections.append(connection)
        return connection

    async def shake_hands(self, connection: Connection, name: str) -> None:
        """One of the exchanges that open a connection."""
        fate = self.faults.connection(refused=asyncio.get_running_loop().time() < self._down_until)
        self.note(connection, name, 0, fate)
        await asyncio.sleep(fate.ends_after)
        if fate.fault is not None:
            connection.open = False
            raise fate.fault

    def go_down(self, seconds: float) -> None:
        """Cut every connection and refuse new ones for a while."""
        self._down_until = asyncio.get_running_loop().time() + seconds
        for connection in self.connections:
            connection.open = False

    def note(self, connection: Connection, name: str, size: int, fate: Fate) -> None:
        """Write what happens into the trace."""
        now = asyncio.get_running_loop().time()
        self._trace.append((now, connection.number, name, size, fate.kind, repr(fate.fault)))


class Connection:
    """One connection of a link."""

    def __init__(self, database: Database, number: int) -> None:
        self.database = database
        self.number = number
        self.open = False

    async def prepare(self, query: str) -> Statement:
        """Prepare one of the link's statements."""
        await self.database.shake_hands(self, "prepare")
        return Statement(self, query)

    async def execute(self, _query: str) -> None:
        """Run a statement that changes nothing."""
        await self.database.shake_hands(self, "execute")

    def terminate(self) -> None:
        """Close without a word."""
        self.open = False

    async def run(self, name: str, size: int, act: Callable[[], Any]) -> Any:  # noqa: ANN401 - as many types as acts
        """Execute an act and answer, or what its fate says instead."""
        self._require_open()
        fate = self.database.faults.statement()
        self.database.note(self, name, size, fate)
        execution = Execution(act)
        if fate.runs_after == 0:
            execution.run()
        elif fate.runs_after is not None:
            asyncio.get_running_loop().call_later(fate.runs_after, execution.run)
        await asyncio.sleep(fate.ends_after)
        if fate.outage_seconds:
            self.database.go_down(fate.outage_seconds)
        if fate.fault is not None:
            self.open = self.open and fate.kind == "rolled back"
            raise fate.fault
        self._require_open()
        return execution.answer()

    def _require_open(self) -> None:
        if not self.open:
            raise asyncpg.InterfaceError("connection is closed")


class Execution:
    """An act of the server, whose answer may find nobody."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._result: Any = None
        self._fault: asyncpg.PostgresError | None = None

    def run(self) -> None:
        """Do it, in one commit."""
        try:
            self._result = self._act()
        except asyncpg.PostgresError as fault:
            self._fault = fault

    def answer(self) -> Any:  # noqa: ANN401 - as many types as acts
        """What the act returned or raised."""
        if self._fault is not None:
            raise self._fault
        return self._result


class Statement:
    """A prepared statement, known by the engine's function that it calls."""

    def __init__(self, connection: Connection, query: str) -> None:
        self._connection = connection
        self._query = query

    async def fetchrow(self, *values: Any) -> Any:  # noqa: ANN401 - stands for asyncpg's record
        """Call ledger.spend_batch or ledger.spend."""
        ledger = self._connection.database.ledger
        if "ledger.spend_batch(" in self._query:
            probe, *columns = values
            requests = _requests(columns)
            name = "probing batch" if probe else "batch"
            return await self._connection.run(
                name, len(requests), lambda: ledger.spend_batch(probe, requests, virtual_now())
            )
        assert "ledger.spend(" in self._query
        request = SpendRequest(*values)
        return await self._connection.run("one", 1, lambda: ledger.spend(request, virtual_now()))

    async def fetch(self, *values: Any) -> Any:  # noqa: ANN401 - stands for asyncpg's records
        """Call ledger.spend_each or read wallets."""
        ledger = self._connection.database.ledger
        if "ledger.spend_each(" in self._query:
            requests = _requests(values)
            return await self._connection.run("each", len(requests), lambda: ledger.spend_each(requests, virtual_now()))
        assert "from wallet" in self._query
        return await self._connection.run("wallets", len(values[0]), lambda: ledger.rows(values[0]))


def _requests(columns: Sequence[Sequence[Any] | None]) -> list[SpendRequest]:
    """The requests whose columns these are; a null column is one of nulls."""
    size = len(columns[0] or ())
    filled = [[None] * size if column is None else column for column in columns]
    return [SpendRequest._make(row) for row in zip(*filled, strict=True)]
