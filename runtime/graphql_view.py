"""The GraphQL endpoint: HTTP by the GraphQL-over-HTTP specification, sockets, event streams, the page for browsers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
from cross_web import HTTPException
from starlette.exceptions import HTTPException as Unread
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import PreExecutionError

from resolvers.loaders import Loaders
from runtime.budgets import Budget, Budgets, Rule, caller_name, rate_fields
from runtime.event_stream import EventStream
from runtime.media import GRAPHQL_RESPONSE, JSON, also_json, chosen_type, is_json
from runtime.origins import RequestOrigins
from runtime.refusals import LATE, refusal
from runtime.shared import SharedStreams
from runtime.sockets import Seats, SocketHandler, TextSocketAdapter, TooManyConnections
from runtime.webhooks import read_in_time, replay
from schema.context import Context, OperationLimits
from schema.events import EventExecutor
from schema.fast_execution import FastExecutor
from schema.masking import masked
from schema.root import schema
from schema.trusted import TrustedDocuments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket
    from strawberry.http import GraphQLHTTPResponse

    from domain.permissions import Actor
    from runtime.auth import Authenticator, Caller
    from runtime.settings import Settings
    from services.coffer import Coffer

SUBSCRIPTIONS_PER_SOCKET: Final = 100
ANONYMOUS_BURST_SECONDS: Final = 10
IDE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
STATUS_OF: Final = {"RATE_LIMITED": 429, "TIMEOUT": 503}
"""Errors that every HTTP client should see at once, also one that asked for application/json."""

_IDE: Final = Path(__file__).parent / "static" / "graphiql" / "index.html"


class GraphQLView(GraphQL[Context, None]):
    """Strawberry's view with our context, orjson, limits, event streams and response media types."""

    websocket_adapter_class = TextSocketAdapter
    graphql_transport_ws_handler_class = SocketHandler
    stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: EventStream}  # noqa: RUF012 - Strawberry's name

    def __init__(self, coffer: Coffer, authenticator: Authenticator, settings: Settings) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql",
            allow_queries_via_get=True,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=settings.limits.socket_init_seconds),
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_SOCKET,
            allowed_origins=settings.allowed_origins,
        )
        self.guarded = schema
        schema.execution_context_class = FastExecutor if settings.fast_execution else EventExecutor
        schema.documents.trust(TrustedDocuments(settings.documents_dir, only=settings.trusted_documents_only))
        self.seats = Seats(settings.limits.max_live_connections_per_project)
        self.streams = SharedStreams(self._shared_context)
        self.budgets = Budgets(coffer.hub.redis_url)
        self._limits = limits = settings.limits
        self.max_body_bytes = limits.max_request_bytes
        self._operation_limits = OperationLimits(limits.operation_seconds, limits.max_cost_points)
        self._rule = Rule(limits.rate_points_per_second, limits.rate_burst_points)
        anonymous_rate = limits.anonymous_points_per_second
        self._anonymous_rule = Rule(
            anonymous_rate, max(anonymous_rate * ANONYMOUS_BURST_SECONDS, limits.max_cost_points)
        )
        self._coffer = coffer
        self._authenticator = authenticator
        self._origins = RequestOrigins(settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body over the limit before anything reads it."""
        if scope["type"] == "http" and scope["method"] == "POST":
            request = Request(scope, receive)
            try:
                body = await read_in_time(request, self._limits.max_request_bytes)
            except Unread:
                await refusal(request, 408, LATE)(scope, receive, send)
                return
            if body is None:
                reason = f"A request is at most {self._limits.max_request_bytes} bytes."
                await refusal(request, 413, reason)(scope, receive, send)
                return
            receive = replay(body, receive)
        try:
            await super().__call__(scope, receive, send)
        finally:
            # An event stream's; a client may be gone before the stream was even begun.
            if scope["type"] == "http" and "graphql.context" in scope:
                self.seats.leave(scope["graphql.context"])

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        """Who is calling and what it may use; on a socket the caller is known after connection_init."""
        context = await self.context_of(request.scope, dict(reversed(request.scope["headers"])))
        request.scope["graphql.context"] = context
        return context

    async def context_of(self, scope: Scope, head: Mapping[bytes, bytes]) -> Context:
        """The same from a connection's headers."""
        caller = await self._authenticator.caller(head.get(b"authorization", b"").decode("latin-1"))
        request_id = scope.get("state", {}).get("request_id") or uuid4().hex
        context = Context(self._coffer, request_id, None, limits=self._operation_limits)
        context.read_client = lambda: self._origins.client(HTTPConnection(scope))
        if b"traceparent" in head:
            context.traceparent = head[b"traceparent"].decode("latin-1")
        context.loaders = Loaders(context)
        if caller is None:
            client = scope.get("client")
            context.meter = self.budgets.of(f"address:{client[0] if client else ''}", self._anonymous_rule)
        self._admit(context, caller)
        return context

    def _shared_context(self, actor: Actor) -> Context:
        """The context of an execution that callers share, who have paid for it and whose tokens are watched."""
        context = Context(self._coffer, uuid4().hex, actor, limits=self._operation_limits)
        context.loaders = Loaders(context)
        return context

    async def on_ws_connect(self, context: Context) -> Any:  # noqa: ANN401 - Strawberry's signature
        """Take the caller from connection_init; a wrong key closes the socket with 4403."""
        authorization = (context.connection_params or {}).get("authorization")
        if authorization is not None:
            caller: Caller | None = await self._authenticator.caller(str(authorization))
            if caller is None:
                raise ConnectionRejectionError
            self._admit(context, caller)
        if context.caller and not await self._coffer.permits.hold(context.caller.api_key_id, context.forget_caller):
            raise ConnectionRejectionError
        self.seats.take(context)
        return await super().on_ws_connect(context)

    def _admit(self, context: Context, caller: Caller | None) -> None:
        """Let a known caller act, on its own budget."""
        if caller is not None:
            context.caller, context.expires_at = caller.actor, caller.expires_at
            context.meter = self.budget_of(caller.actor)

    def budget_of(self, actor: Actor) -> Budget:
        """The budget of a known caller."""
        return self.budgets.of(caller_name(actor.project_id, actor.api_key_id), self._rule)

    def should_render_graphql_ide(self, request: Any) -> bool:  # noqa: ANN401 - Strawberry's adapter
        """Only for a browser that opens the address."""
        asked = request.method == "GET" and request.query_params.get("query") is None
        return asked and "text/html" in request.headers.get("accept", "")

    async def render_graphql_ide(self, request: Request) -> Response:  # noqa: ARG002 - Strawberry's signature
        """The page that asks for a key and then loads GraphiQL, from our own files."""
        return HTMLResponse(_IDE.read_text(), headers={"content-security-policy": IDE_POLICY})

    async def parse_http_body(self, request: Any) -> Any:  # noqa: ANN401 - Strawberry's adapter and request
        """The operation in a request, and how to answer it: a client that takes streams and JSON gets what fits."""
        try:
            operation: Any = await super().parse_http_body(request)
        except AttributeError as fault:
            raise HTTPException(400, "Send a JSON object with a query.") from fault
        if operation.protocol == "sse" and also_json(request.headers.get("accept", "")):
            streams = schema.documents.subscribes(operation.query or "", operation.operation_name)
            operation.protocol = "sse" if streams else "http"
        return operation

    async def execute_operation(self, request: Request, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Let GET read for callers with a key alone: no page of another origin can send that header for its visitor."""
        if request.method == "GET" and kwargs["context"].caller is None:
            raise HTTPException(405, "Without a key, send a POST request with a JSON body.")
        return await super().execute_operation(request, *args, **kwargs)

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """An event stream, which takes one of its project's seats while it is open."""
        try:
            self.seats.take(request.scope["graphql.context"])
        except TooManyConnections as full:
            raise HTTPException(429, str(full)) from full
        return await super().create_streaming_response(request, stream, sub_response, headers)

    def encode_json(self, data: object) -> bytes:
        """Write JSON."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """Read JSON."""
        return schema.documents.trusted.with_text(orjson.loads(data))

    def parse_query_params(self, params: Any) -> dict[str, Any]:  # noqa: ANN401 - Strawberry's
        """Read the address of a GET request."""
        request: dict[str, Any] = schema.documents.trusted.with_text(super().parse_query_params(params))
        return request

    async def process_result(self, request: Request, result: Any) -> GraphQLHTTPResponse:  # noqa: ANN401 - a result
        """Every error has its code; a request error has no data entry."""
        # What failed outside the execution never reached the schema's extensions.
        request_id = request.scope["graphql.context"].request_id
        result.errors = [error if error.extensions else masked(error, request_id) for error in result.errors or ()]
        body = await super().process_result(request, result)
        failed = isinstance(result, PreExecutionError) or (result.data is None and not _has_path(result.errors))
        if failed and result.errors:
            body.pop("data", None)
            code = (result.errors[0].extensions or {}).get("code")
            request.scope["graphql.status"] = STATUS_OF.get(str(code), 400)
        return body

    async def run(self, request: Request, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """Answer with the media type that the client asked for; 400 for a request error under the newer one."""
        if not isinstance(request, HTTPConnection) or request.scope["type"] != "http":
            return await super().run(request, *args, **kwargs)
        try:
            if request.method == "POST" and not is_json(request.headers.get("content-type", "")):
                raise HTTPException(415, "Send JSON: content-type: application/json.")
            response = await super().run(request, *args, **kwargs)
        except HTTPException as refused:
            return refusal(request, refused.status_code, refused.reason)
        self.finish(request, response)
        return response

    def finish(self, request: Request, response: Response) -> None:
        """The media type, the status and the budget's headers."""
        status = request.scope.get("graphql.status", response.status_code)
        newer = chosen_type(request.headers.get("accept", "")) == GRAPHQL_RESPONSE
        if newer and response.headers.get("content-type", "").startswith(JSON):
            response.headers["content-type"] = f"{GRAPHQL_RESPONSE}; charset=utf-8"
        if newer or status in STATUS_OF.values():
            response.status_code = status
        if "cache-control" not in response.headers:
            response.raw_headers.append((b"cache-control", b"no-store"))
        context: Context = request.scope["graphql.context"]
        response.raw_headers.extend(rate_fields(context))


def _has_path(errors: Any) -> bool:  # noqa: ANN401 - a list or None
    return any(error.path for error in errors or ())
