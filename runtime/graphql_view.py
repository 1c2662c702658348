"""The GraphQL endpoint: HTTP by the GraphQL-over-HTTP specification, graphql-transport-ws, GraphiQL for browsers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import PreExecutionError

from resolvers.loaders import make_loaders
from runtime.webhooks import read_limited
from schema.context import Context
from schema.root import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope, Send
    from starlette.websockets import WebSocket
    from strawberry.http import GraphQLHTTPResponse

    from runtime.auth import Authenticator, Caller
    from services.coffer import Coffer

MAX_BODY_BYTES: Final = 2 * 1024 * 1024
"""A batch of 1,000 spends with metadata fits."""

INIT_SECONDS: Final = 10
SUBSCRIPTIONS_PER_SOCKET: Final = 100
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
IDE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; base-uri 'none'"
)
_IDE: Final = Path(__file__).parent / "static" / "graphiql" / "index.html"


class TextSocketAdapter(ASGIWebSocketAdapter):
    """Sends each message as a text frame, as graphql-transport-ws asks: browsers hand binary frames over as blobs."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one protocol message."""
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect as gone:
            raise WebSocketDisconnected from gone


class GraphQLView(GraphQL[Context, None]):
    """Strawberry's view with our context, orjson, body limit and response media type."""

    websocket_adapter_class = TextSocketAdapter

    def __init__(self, coffer: Coffer, authenticator: Authenticator, allowed_origins: tuple[str, ...]) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql",
            allow_queries_via_get=True,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_SOCKET,
            allowed_origins=allowed_origins,
        )
        self._coffer = coffer
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body over the limit before anything reads it."""
        if scope["type"] == "http" and scope["method"] == "POST":
            body = await read_limited(Request(scope, receive), MAX_BODY_BYTES)
            if body is None:
                await PlainTextResponse(f"A request is at most {MAX_BODY_BYTES} bytes.", 413)(scope, receive, send)
                return
            receive = _replay(body)
        await super().__call__(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """Who is calling and what it may use; on a socket the caller is known after connection_init."""
        caller = await self._authenticator.caller(request.headers.get("authorization"))
        request_id = request.scope.get("state", {}).get("request_id") or uuid4().hex
        context = Context(self._coffer, request_id, None)
        if caller is not None:
            context.caller, context.expires_at = caller.actor, caller.expires_at
        context.loaders = make_loaders(context)
        return context

    async def on_ws_connect(self, context: Context) -> Any:  # noqa: ANN401 - Strawberry's signature
        """Take the caller from connection_init; a wrong key closes the socket with 4403."""
        authorization = (context.connection_params or {}).get("authorization")
        if authorization is not None:
            caller: Caller | None = await self._authenticator.caller(str(authorization))
            if caller is None:
                raise ConnectionRejectionError
            context.caller, context.expires_at = caller.actor, caller.expires_at
        return await super().on_ws_connect(context)

    async def render_graphql_ide(self, request: Request) -> Response:  # noqa: ARG002 - Strawberry's signature
        """GraphiQL from our own files."""
        return HTMLResponse(_IDE.read_text(), headers={"content-security-policy": IDE_POLICY})

    def encode_json(self, data: object) -> bytes:
        """Write JSON."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """Read JSON."""
        return orjson.loads(data)

    async def process_result(self, request: Request, result: Any) -> GraphQLHTTPResponse:  # noqa: ANN401 - a result
        """A request error has no data entry."""
        body = await super().process_result(request, result)
        failed = isinstance(result, PreExecutionError) or (result.data is None and not _has_path(result.errors))
        errors: Any = body.get("errors")
        for error in errors or ():
            # What could not even be parsed never reaches the schema's extensions.
            error.setdefault("extensions", {"code": "INVALID_DOCUMENT"})
        request.scope["graphql.failed"] = failed and bool(result.errors)
        if request.scope["graphql.failed"]:
            body.pop("data", None)
        return body

    async def run(self, request: Request, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Answer with the media type that the client asked for; 400 for a request error under the newer one."""
        response = await super().run(request, *args, **kwargs)
        if isinstance(request, HTTPConnection) and request.scope["type"] == "http" and _wants_newer(request, response):
            response.headers["content-type"] = f"{GRAPHQL_RESPONSE}; charset=utf-8"
            if request.scope.get("graphql.failed"):
                response.status_code = 400
        return response


def _wants_newer(request: HTTPConnection, response: Response) -> bool:
    is_json = response.headers.get("content-type", "").startswith("application/json")
    return is_json and GRAPHQL_RESPONSE in request.headers.get("accept", "")


def _has_path(errors: Any) -> bool:  # noqa: ANN401 - a list or None
    return any(error.path for error in errors or ())


def _replay(body: bytes) -> Receive:
    """A receive function for a body that was read already."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
