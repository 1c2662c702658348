"""CSV exports over HTTP with a key: usage by any keys, and a wallet's transactions."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.analytics import GroupBy
from domain.errors import DomainError, InvalidInput
from domain.ledger import TransactionType
from schema.ids import parse_id
from services.usage import UsageQuestion, export_transactions, usage_report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from domain.permissions import Actor
    from runtime.auth import Authenticator
    from services.coffer import Coffer

CHUNK_ROWS: Final = 1_000
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

Rows = AsyncIterator[list[Any]]
Export = Callable[["Coffer", "Actor", "QueryParams"], Awaitable[Rows]]


def routes(coffer: Coffer, authenticator: Authenticator) -> list[Route]:
    """The two exports; each answers a GET with an Authorization header."""

    def endpoint(name: str, export: Export) -> Route:
        async def answer(request: Request) -> Response:
            caller = await authenticator.caller(request.headers.get("authorization"))
            if caller is None:
                return JSONResponse({"error": "Send a key: Authorization: Bearer ..."}, 401)
            try:
                rows = await export(coffer, caller.actor, request.query_params)
            except DomainError as error:
                return JSONResponse({"error": str(error)}, 400)
            disposition = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
            return StreamingResponse(_written(rows), media_type="text/csv", headers=disposition)

        return Route(f"/export/{name}", answer, methods=["GET"])

    return [endpoint("usage.csv", _usage), endpoint("transactions.csv", _transactions)]


async def _usage(coffer: Coffer, actor: Actor, words: QueryParams) -> Rows:
    keys = [_group(name) for name in words.getlist("group_by")]
    wallets = [parse_id("wal", text) for text in words.getlist("wallet")] or None
    days = (_day(words, "from"), _day(words, "to"))
    report = await usage_report(coffer, actor, UsageQuestion(wallets, keys, *days, words.get("time_zone")))

    async def rows() -> AsyncIterator[list[Any]]:
        yield [*(key.name.lower() for key in keys), *_USAGE]
        for row in report.slices:
            yield [*row.keys, row.credits, row.events, row.units, row.last_activity_at.isoformat()]

    return rows()


async def _transactions(coffer: Coffer, actor: Actor, words: QueryParams) -> Rows:
    found = await export_transactions(coffer, actor, parse_id("wal", words.get("wallet", "")))

    async def rows() -> AsyncIterator[list[Any]]:
        yield list(_TRANSACTION)
        async for row in found:
            values = {name: getattr(row, name) for name in _TRANSACTION}
            yield list((values | {"type": TransactionType(row.type).name}).values())

    return rows()


async def _written(rows: Rows) -> AsyncIterator[str]:
    """The rows as CSV (RFC 4180), in chunks."""
    waiting = []
    async for row in rows:
        waiting.append(row)
        if len(waiting) >= CHUNK_ROWS:
            yield _text(waiting)
            waiting.clear()
    yield _text(waiting)


def _text(rows: Iterable[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _group(name: str) -> GroupBy:
    try:
        return GroupBy[name.upper()]
    except KeyError as fault:
        raise InvalidInput(f"group_by is one of {', '.join(GroupBy.__members__).lower()}.") from fault


def _day(words: QueryParams, name: str) -> date | None:
    try:
        return date.fromisoformat(words[name]) if name in words else None
    except ValueError as fault:
        raise InvalidInput(f"{name} is a day such as 2026-01-31.") from fault
