"""CSV exports over HTTP with a key: usage by any keys, and transactions."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakValueDictionary

import structlog
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.analytics import GroupBy
from domain.errors import Busy, DomainError, InvalidInput, NotFound
from domain.pricing import UsageCategory
from domain.spreadsheets import as_text
from runtime.budgets import rate_headers
from schema.ids import parse_id
from services.exports import TRANSACTION_COLUMNS, Chunk, TransactionQuestion, export_transactions, export_usage
from services.usage import UsageQuestion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import IntEnum

    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.types import Send

    from domain.permissions import Actor
    from domain.usage import UsageRow
    from runtime.auth import Authenticator
    from runtime.budgets import Budget
    from schema.context import Allowance
    from services.coffer import Coffer

CHUNK_ROWS: Final = 250
"""Lines of usage that are written at once; others are served in between."""

EXPORT_POINTS: Final = 50
ROW_POINTS: Final = 1
"""As an object of an operation costs; a key whose budget is used up gets its export more slowly."""

EXPORT_SECONDS: Final = 600
"""A longer one is cut off: it would hold a connection to the database for a client that hardly reads."""

EXPORTS_AT_ONCE: Final = 3
"""Exports that a process reads at once, so that they never take every connection to the database."""

EXPORTS_OF_A_PROJECT: Final = 2
"""Of these, so that a project with slow readers leaves room for others."""

SEAT_SECONDS: Final = 10
"""How long one waits for another to end."""

_STATUS: Final[dict[type[DomainError], int]] = {NotFound: 404, Busy: 503}
_NAMES: Final = frozenset({"wallet", "from", "to", "time_zone"})
_USAGE: Final = ("credits", "events", "units", "last_activity_at")

_NO_KEY: Final = {"error": "Send a key: Authorization: Bearer ..."}

_log: Final = structlog.get_logger()


class Table(NamedTuple):
    """What is exported: the header, and the rows in chunks."""

    header: str
    chunks: AsyncGenerator[Chunk, None]


Export = Callable[["Coffer", "Actor", "QueryParams"], Awaitable[Table]]


class Revoked(Exception):
    """The key of an export is good no more."""


class Download(StreamingResponse):
    """A file that is read while it is sent, and cut off when that takes too long."""

    async def stream_response(self, send: Send) -> None:
        """Send it; what is left of it unread is closed at once, whatever ends it."""
        try:
            async with asyncio.timeout(EXPORT_SECONDS), aclosing(self.body_iterator):  # type: ignore[type-var]
                await super().stream_response(send)
        except (TimeoutError, Revoked) as cut:
            # The answer has no end then, by which its reader knows.
            _log.warning("export.cut_off", reason=type(cut).__name__)


class Exports:
    """The exports of one process; each answers a GET with an Authorization header."""

    def __init__(self, coffer: Coffer, authenticator: Authenticator, budget_of: Callable[[Actor], Budget]) -> None:
        self._coffer = coffer
        self._authenticator = authenticator
        self._budget_of = budget_of
        self._reading = asyncio.Semaphore(EXPORTS_AT_ONCE)
        self._of_projects: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    def routes(self) -> list[Route]:
        """Usage and transactions."""
        return [self._route("usage.csv", _usage), self._route("transactions.csv", _transactions)]

    def _route(self, name: str, export: Export) -> Route:
        async def answer(request: Request) -> Response:
            authorization = request.headers.get("authorization")
            caller = await self._authenticator.caller(authorization)
            if caller is None:
                return JSONResponse(_NO_KEY, 401)
            budget = self._budget_of(caller.actor)
            allowance = await _take(budget, EXPORT_POINTS)
            headers = {"cache-control": "no-store", **rate_headers(budget, allowance)}
            if not allowance.granted:
                return JSONResponse({"error": f"An export costs {EXPORT_POINTS} points: wait."}, 429, headers)
            try:
                table = await export(self._coffer, caller.actor, request.query_params)
                written = self._written(table, caller.actor.project_id, budget, authorization)
                # What is wrong with the question shows here, before the answer begins.
                first = await anext(written)
            except Revoked:
                return JSONResponse(_NO_KEY, 401, headers)
            except DomainError as error:
                if isinstance(error, Busy):
                    headers["retry-after"] = str(SEAT_SECONDS)
                return JSONResponse({"error": str(error)}, _STATUS.get(type(error), 400), headers)
            headers["content-disposition"] = f'attachment; filename="{name}"'
            return Download(_from(first, written), media_type="text/csv", headers=headers)

        return Route(f"/export/{name}", answer, methods=["GET"])

    async def _written(
        self, table: Table, project_id: int, budget: Budget, authorization: str | None
    ) -> AsyncGenerator[str | bytes, None]:
        """The header, then the rows in chunks that are paid for, as long as the key is good. Busy, Revoked."""
        async with aclosing(table.chunks) as chunks, self._seat(project_id):
            text: str | bytes = table.header
            async for chunk in chunks:
                await _pay(budget, chunk.rows * ROW_POINTS)
                if await self._authenticator.caller(authorization) is None:
                    raise Revoked
                yield text
                text = chunk.text
            yield text

    @asynccontextmanager
    async def _seat(self, project_id: int) -> AsyncIterator[None]:
        """One of the exports that are read at once, in this process and of this project. Busy after SEAT_SECONDS."""
        of_project = self._of_projects.setdefault(project_id, asyncio.Semaphore(EXPORTS_OF_A_PROJECT))
        async with AsyncExitStack() as seats:
            try:
                async with asyncio.timeout(SEAT_SECONDS):
                    await seats.enter_async_context(of_project)
                    await seats.enter_async_context(self._reading)
            except TimeoutError as late:
                raise Busy("Other exports are being read: ask again when one has ended.") from late
            yield


async def _from(first: str | bytes, rest: AsyncGenerator[str | bytes, None]) -> AsyncGenerator[str | bytes, None]:
    async with aclosing(rest):
        yield first
        async for text in rest:
            yield text


async def _take(budget: Budget, points: int) -> Allowance:
    return await budget.take(min(points, budget.rule.burst_points))


async def _pay(budget: Budget, points: int) -> None:
    while True:
        allowance = await _take(budget, points)
        if allowance.granted:
            return
        await asyncio.sleep(allowance.wait_seconds)


async def _usage(coffer: Coffer, actor: Actor, words: QueryParams) -> Table:
    _check_names(words, {"group_by", "category", *_NAMES})
    keys = [_named(GroupBy, "group_by", name) for name in words.getlist("group_by")]
    category = _named(UsageCategory, "category", words["category"]) if "category" in words else None
    days = (_day(words, "from"), _day(words, "to"), words.get("time_zone"))
    rows = await export_usage(coffer, actor, UsageQuestion(_wallets(words), keys, *days, category=category))
    header = [*(key.name.lower() for key in keys), *_USAGE]
    return Table(_text([header]), _chunks(rows))


async def _transactions(coffer: Coffer, actor: Actor, words: QueryParams) -> Table:
    _check_names(words, _NAMES)
    days = (_day(words, "from"), _day(words, "to"), words.get("time_zone"))
    pages = await export_transactions(coffer, actor, TransactionQuestion(_wallets(words), *days))
    return Table(f"{','.join(TRANSACTION_COLUMNS)}\n", pages)


async def _chunks(rows: AsyncGenerator[UsageRow, None]) -> AsyncGenerator[Chunk, None]:
    waiting: list[Sequence[Any]] = []
    async with aclosing(rows):
        async for row in rows:
            waiting.append([*map(as_text, row.keys), *row[1:4], row.last_activity_at.isoformat()])
            if len(waiting) >= CHUNK_ROWS:
                yield Chunk(len(waiting), _text(waiting))
                waiting.clear()
                # Rows that were read already come without a pause.
                await asyncio.sleep(0)
    if waiting:
        yield Chunk(len(waiting), _text(waiting))


def _text(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _check_names(words: QueryParams, known: Collection[str]) -> None:
    """A wallet under a misspelt name would be an export of the whole project."""
    unknown = sorted(set(words) - set(known))
    if unknown:
        raise InvalidInput(f"{unknown[0]} is none of {', '.join(sorted(known))}.")


def _wallets(words: QueryParams) -> list[Any] | None:
    return [parse_id("wal", text) for text in words.getlist("wallet")] or None


def _named(enum: type[IntEnum], word: str, name: str) -> Any:  # noqa: ANN401 - a member of the enum
    try:
        return enum[name.upper()]
    except KeyError as fault:
        raise InvalidInput(f"{word} is one of {', '.join(enum.__members__).lower()}.") from fault


def _day(words: QueryParams, name: str) -> date | None:
    try:
        return date.fromisoformat(words[name]) if name in words else None
    except ValueError as fault:
        raise InvalidInput(f"{name} is a day such as 2026-01-31.") from fault
