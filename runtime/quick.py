"""The short way of an ordinary operation: a JSON body by POST, a known document, an answer in JSON.

It stands before the routes and hands on, untouched, every request that is unusual in any respect; tests compare its
answers with those of the long way.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from runtime.budgets import rate_fields
from runtime.media import GRAPHQL_RESPONSE, JSON, chosen_type, is_json, takes_json_alone
from runtime.refusals import LATE, refusal
from runtime.webhooks import BODY_SECONDS, replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from runtime.graphql_view import GraphQLView
    from schema.context import Context

PATH: Final = "/graphql"
_ROUTE: Final = SimpleNamespace(path=PATH)
"""What the time of a request is counted under."""

_UNUSUAL: Final = frozenset({b"origin", b"expect", b"content-encoding"})
"""Headers that somebody else answers for."""

_NO_STORE: Final = (b"cache-control", b"no-store")
_VARY: Final = (b"vary", b"Origin")
"""As the answers of the long way have it from their check of the origin."""

_TYPES: Final = {JSON: JSON.encode(), GRAPHQL_RESPONSE: f"{GRAPHQL_RESPONSE}; charset=utf-8".encode()}


class QuickAnswers:
    """Answers ordinary operations, and hands on all other requests."""

    def __init__(self, app: ASGIApp, view: GraphQLView) -> None:
        self._app = app
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        head = _ordinary_head(scope)
        if head is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive, self._view.max_body_bytes)
        except TimeoutError:
            await refusal(Request(scope), 408, LATE)(scope, receive, send)
            return
        if body is None or not await self._answer(scope, head, body, send):
            await self._app(scope, receive if body is None else replay(body, receive), send)

    async def _answer(self, scope: Scope, head: Mapping[bytes, bytes], body: bytes, send: Send) -> bool:
        """Answer an ordinary operation of a known document; False for anything else."""
        operation = self._operation(body) if len(body) <= self._view.max_body_bytes else None
        if operation is None:
            return False
        context = await self._view.context_of(scope, head)
        result = await self._view.guarded.answer(*operation, context)
        if result is None:
            return False
        scope["route"] = _ROUTE
        if result.errors:
            await self._refuse(scope, result, context, send)
            return True
        answer = orjson.dumps({"data": result.data, "extensions": result.extensions})
        await send({"type": "http.response.start", "status": 200, "headers": _headers(head, answer, context)})
        await send({"type": "http.response.body", "body": answer})
        return True

    def _operation(self, body: bytes) -> tuple[str, dict[str, Any] | None, str | None] | None:
        """Text, variables and name of the operation in a body, when it is a plain one of a known document."""
        try:
            data: Any = self._view.decode_json(body)
        except ValueError:
            return None
        if type(data) is not dict or data.get("extensions") is not None:
            return None
        text, variables, name = data.get("query"), data.get("variables"), data.get("operationName")
        if not isinstance(text, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
            return None
        return (text, variables, name) if self._view.guarded.documents.known(text) else None

    async def _refuse(self, scope: Scope, result: Any, context: Context, send: Send) -> None:  # noqa: ANN401 - a result
        """Answer with errors, in the view's way."""
        request = Request(scope)
        scope["graphql.context"] = context
        answer = await self._view.process_result(request, result)
        response = Response(orjson.dumps(answer), media_type=JSON)
        self._view.finish(request, response)
        response.raw_headers.append(_VARY)
        await response(scope, request.receive, send)


def _ordinary_head(scope: Scope) -> dict[bytes, bytes] | None:
    """The headers of a request that may go the short way."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != PATH or scope["query_string"]:
        return None
    head = dict(scope["headers"])
    if not _UNUSUAL.isdisjoint(head) or len(head) < len(scope["headers"]):
        return None
    sent = head.get(b"content-type", b"")
    if sent != b"application/json" and not is_json(sent.decode("latin-1")):
        return None
    accept = head.get(b"accept", b"")
    return head if accept in _PLAIN_ACCEPT or takes_json_alone(accept.decode("latin-1")) else None


_PLAIN_ACCEPT: Final = frozenset({b"", b"*/*", b"application/json"})


def _headers(head: Mapping[bytes, bytes], answer: bytes, context: Context) -> list[tuple[bytes, bytes]]:
    """The headers of an answer without errors."""
    accept = head.get(b"accept", b"")
    kind = JSON if accept in _PLAIN_ACCEPT else chosen_type(accept.decode("latin-1"))
    length = (b"content-length", b"%d" % len(answer))
    return [(b"content-type", _TYPES[kind]), length, _NO_STORE, _VARY, *rate_fields(context)]


async def _read(receive: Receive, limit_bytes: int) -> bytes | None:
    """The body, up to what goes over the limit; None from a client that is gone. TimeoutError when it is slow."""
    async with asyncio.timeout(BODY_SECONDS):
        message = await receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body") and len(body) <= limit_bytes:
            message = await receive()
            body += message.get("body", b"")
        return body if message["type"] == "http.request" else None
