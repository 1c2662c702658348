"""CSV exports over HTTP with a key: usage by any keys, and transactions."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.analytics import GroupBy
from domain.errors import Busy, DomainError, InvalidInput, NotFound
from domain.ledger import TransactionType
from domain.pricing import UsageCategory
from runtime.budgets import rate_headers
from schema.ids import parse_id, public_id
from services.exports import export_transactions, export_usage
from services.usage import UsageQuestion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import IntEnum

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from domain.permissions import Actor
    from runtime.auth import Authenticator
    from runtime.budgets import Budget
    from schema.context import Allowance
    from services.coffer import Coffer

CHUNK_ROWS: Final = 1_000
EXPORT_POINTS: Final = 50
ROW_POINTS: Final = 1
"""As an object of an operation costs; a key whose budget is used up gets its export more slowly."""

EXPORT_SECONDS: Final = 600
"""A longer one is cut off: it would hold a connection to the database for a client that does not read."""

EXPORTS_AT_ONCE: Final = 3
"""Exports that a process reads at once; the next ones wait, so that they never take every connection."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_STATUS: Final[dict[type[DomainError], int]] = {NotFound: 404, Busy: 503}
_USAGE: Final = ("credits", "events", "units", "last_activity_at")
_TRANSACTION: Final = (
    "sequence",
    "created_at",
    "type",
    "credits",
    "balance_before",
    "balance_after",
    "feature",
    "units",
    "member",
    "source_id",
    "idempotency_key",
)


class Table(NamedTuple):
    """What is exported: the header, the rows, and how a row is written."""

    header: Sequence[str]
    rows: AsyncGenerator[Any, None]
    cells: Callable[[Any], Sequence[Any]]


Export = Callable[["Coffer", "Actor", "QueryParams"], Awaitable[Table]]


class Exports:
    """The exports of one process; each answers a GET with an Authorization header."""

    def __init__(self, coffer: Coffer, authenticator: Authenticator, budget_of: Callable[[Actor], Budget]) -> None:
        self._coffer = coffer
        self._authenticator = authenticator
        self._budget_of = budget_of
        self._reading = asyncio.Semaphore(EXPORTS_AT_ONCE)

    def routes(self) -> list[Route]:
        """Usage and transactions."""
        return [self._route("usage.csv", _usage), self._route("transactions.csv", _transactions)]

    def _route(self, name: str, export: Export) -> Route:
        async def answer(request: Request) -> Response:
            caller = await self._authenticator.caller(request.headers.get("authorization"))
            if caller is None:
                return JSONResponse({"error": "Send a key: Authorization: Bearer ..."}, 401)
            budget = self._budget_of(caller.actor)
            allowance = await _take(budget, EXPORT_POINTS)
            headers = {"cache-control": "no-store", **rate_headers(budget, allowance)}
            if not allowance.granted:
                return JSONResponse({"error": f"An export costs {EXPORT_POINTS} points: wait."}, 429, headers)
            try:
                table = await export(self._coffer, caller.actor, request.query_params)
            except DomainError as error:
                return JSONResponse({"error": str(error)}, _STATUS.get(type(error), 400), headers)
            headers["content-disposition"] = f'attachment; filename="{name}"'
            return StreamingResponse(self._written(table, budget), media_type="text/csv", headers=headers)

        return Route(f"/export/{name}", answer, methods=["GET"])

    async def _written(self, table: Table, budget: Budget) -> AsyncIterator[str]:
        """The rows as CSV (RFC 4180), in chunks that are paid for."""
        waiting = [table.header]
        async with self._reading, asyncio.timeout(EXPORT_SECONDS), aclosing(table.rows) as rows:
            async for row in rows:
                waiting.append(table.cells(row))
                if len(waiting) >= CHUNK_ROWS:
                    await _pay(budget, len(waiting) * ROW_POINTS)
                    yield _text(waiting)
                    waiting.clear()
            yield _text(waiting)


async def _take(budget: Budget, points: int) -> Allowance:
    return await budget.take(min(points, budget.rule.burst_points))


async def _pay(budget: Budget, points: int) -> None:
    while True:
        allowance = await _take(budget, points)
        if allowance.granted:
            return
        await asyncio.sleep(allowance.wait_seconds)


async def _usage(coffer: Coffer, actor: Actor, words: QueryParams) -> Table:
    keys = [_named(GroupBy, "group_by", name) for name in words.getlist("group_by")]
    category = _named(UsageCategory, "category", words["category"]) if "category" in words else None
    days = (_day(words, "from"), _day(words, "to"), words.get("time_zone"))
    rows = await export_usage(coffer, actor, UsageQuestion(_wallets(words), keys, *days, category=category))
    header = [*(key.name.lower() for key in keys), *_USAGE]
    return Table(header, rows, lambda row: [*row.keys, *(getattr(row, name) for name in _USAGE)])


async def _transactions(coffer: Coffer, actor: Actor, words: QueryParams) -> Table:
    def cells(row: Any) -> list[Any]:  # noqa: ANN401 - a row of the ledger
        values = {name: getattr(row, name) for name in _TRANSACTION} | {"type": TransactionType(row.type).name}
        return [public_id("wal", row.wallet_uuid), *values.values()]

    return Table(["wallet", *_TRANSACTION], await export_transactions(coffer, actor, _wallets(words)), cells)


def _text(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:  # noqa: ANN401 - what a row holds
    """A value as spreadsheets show it: text that one would take for a formula gets an apostrophe (OWASP)."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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
