"""Sockets that speak graphql-transport-ws by its text, and the seats that a project's live connections take."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import orjson
from prometheus_client import Counter as Metric
from prometheus_client import Gauge
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from live.hub import SlowReader
from runtime.frames import EXTENSION, text_frame
from runtime.shared import Alone, Member
from schema.context import Context
from schema.masking import SLOW_READER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLError
    from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import Operation
    from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
        ConnectionInitMessage,
        Message,
        PingMessage,
    )

    from runtime.shared import Key, SharedStreams

DRAIN_SECONDS: Final = 5.0
"""How long the operations of a socket may take to end when the process stops."""

MAX_ANONYMOUS_CONNECTIONS: Final = 1_000
"""Sockets of callers without a key, who may ask for next to nothing."""

GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
BAD_MESSAGE: Final = 4400
OBJECT_PAYLOADS: Final = frozenset({"connection_init", "ping", "pong"})

TOO_SLOW: Final[Any] = {"data": None, "errors": [SLOW_READER.formatted]}

_open: Final = Gauge("coffer_live_connections", "Open sockets and event streams of this process.")
_refused: Final = Metric("coffer_live_connections_refused_total", "Live connections over their project's limit.")


class TooManyConnections(Exception):
    """The project has as many live connections in this process as it may."""


class Seats:
    """The sockets and event streams of this process: counted by project, and closed together."""

    def __init__(self, per_project: int) -> None:
        self._per_project = per_project
        self._taken: dict[Context, int | None] = {}
        self._counts: Counter[int | None] = Counter()
        self._sockets: set[SocketHandler] = set()

    def take(self, context: Context) -> None:
        """Count a live connection to its caller's project. TooManyConnections."""
        project = context.caller.project_id if context.caller else None
        most = self._per_project if context.caller else min(self._per_project, MAX_ANONYMOUS_CONNECTIONS)
        if self._counts[project] >= most:
            _refused.inc()
            raise TooManyConnections(f"A project has at most {most} live connections here: close some, or try later.")
        self._counts[project] += 1
        self._taken[context] = project
        _open.inc()

    def leave(self, context: Context) -> None:
        """Give a seat back, if the connection had one."""
        if context in self._taken:
            project = self._taken.pop(context)
            self._counts -= Counter({project: 1})
            _open.dec()

    def opened(self, socket: SocketHandler) -> None:
        """Remember a socket, so that it can be closed."""
        self._sockets.add(socket)

    def closed(self, socket: SocketHandler) -> None:
        """Forget a socket."""
        self._sockets.discard(socket)
        self.leave(socket.context)

    async def close_sockets(self) -> None:
        """Let the operations of every socket end, then close it with 1001."""
        await asyncio.gather(*(socket.finish() for socket in self._sockets), return_exceptions=True)


class Seated(Protocol):
    """A view with seats and shared streams."""

    seats: Seats
    streams: SharedStreams


class TextSocketAdapter(ASGIWebSocketAdapter):
    """Sends each message as a text frame, as graphql-transport-ws asks: browsers hand binary frames over as blobs."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one protocol message."""
        await self.send_written(orjson.dumps(message))

    def write(self, frame: bytes) -> bool:
        """Write a frame at once; False where something must be waited for, or by another server than ours."""
        frames: Any = self.ws.scope["extensions"].get(EXTENSION)
        return frames is not None and frames["write"](frame)

    async def send_written(self, text: bytes) -> None:
        """Send a protocol message that is JSON already."""
        if self.write(text_frame(text)):
            return
        try:
            await self.ws.send_text(text.decode())
        except WebSocketDisconnect as gone:
            raise WebSocketDisconnected from gone


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, strict about messages and true to the protocol where the stock one is not."""

    @property
    def _seats(self) -> Seats:
        return cast("Seated", self.view).seats

    async def handle(self) -> None:
        """Serve one socket until it closes."""
        self._seats.opened(self)
        try:
            await super().handle()
        finally:
            self._seats.closed(self)
            if self.context.caller:
                self.context.coffer.permits.release(self.context.caller.api_key_id, self.context.forget_caller)

    async def finish(self) -> None:
        """End what runs, within DRAIN_SECONDS, then close with 1001: the client connects to another process."""
        tasks = [operation.task for operation in self.operations.values() if operation.task]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        await self.websocket.close(GOING_AWAY, "The server stops: connect again.")

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Share the execution of a stream with equal callers; run everything else alone."""
        if self._left_seconds() == 0:
            self.context.forget_caller()
        streams = cast("Seated", self.view).streams
        asked = (operation.query, operation.variables, operation.operation_name)
        key = await streams.key_of(self.context, *asked)
        if key is None or not await self._share(operation, streams, key):
            await super().run_operation(operation)

    async def _share(self, operation: Operation[Context, None], streams: SharedStreams, key: Key) -> bool:
        """Send a group's events; False when the operation must go on alone: its token ended, or the group did."""
        socket = cast("TextSocketAdapter", self.websocket)
        member = Member(operation.id, socket.write)
        try:
            async with asyncio.timeout(self._left_seconds()), streams.join(key, member):
                async for message in member.messages():
                    await socket.send_written(message)
        except (Alone, TimeoutError):
            return False
        except WebSocketDisconnected:
            return True
        except SlowReader:
            await operation.send_operation_message({"id": operation.id, "type": "next", "payload": TOO_SLOW})
        await operation.send_operation_message({"id": operation.id, "type": "complete"})
        return True

    def _left_seconds(self) -> float | None:
        """How long the caller's token is good for."""
        ends = self.context.expires_at
        return None if ends is None else max(0.0, ends - self.context.coffer.clock().timestamp())

    async def handle_message(self, message: Message) -> None:
        """Refuse a message that the protocol does not know with 4400."""
        fault = message_fault(message)
        if fault is not None:
            await self.websocket.close(BAD_MESSAGE, fault)
            return
        given = {name: value for name, value in message.items() if value is not None}
        await super().handle_message(cast("Message", given))

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let a caller in; one connection too many is closed with 1013, which clients try again after a while."""
        try:
            await super().handle_connection_init(message)
        except TooManyConnections as full:
            await self.websocket.close(TRY_AGAIN_LATER, str(full))

    async def handle_ping(self, message: PingMessage) -> None:
        """Answer with the ping's own payload."""
        await self.send_message(cast("Message", {**message, "type": "pong"}))

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:  # noqa: ARG004 - Strawberry's signature
        """Never close a socket for one bad document: the operation gets an `error` message."""
        return None


def message_fault(message: Any) -> str | None:  # noqa: ANN401 - whatever JSON a client sent
    """What is wrong with a protocol message, in words; None when nothing is."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is a JSON object with a type."
    kind, payload = message["type"], message.get("payload")
    if kind in OBJECT_PAYLOADS and not isinstance(payload, dict | None):
        return f"The payload of {kind} is an object."
    if kind in {"subscribe", "complete"} and not (isinstance(message.get("id"), str) and message["id"]):
        return f"The id of {kind} is a text."
    return _subscribe_fault(payload) if kind == "subscribe" else None


def _subscribe_fault(payload: Any) -> str | None:  # noqa: ANN401 - whatever JSON a client sent
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload of subscribe has a query."
    if not isinstance(payload.get("variables"), dict | None):
        return "The variables of subscribe are an object."
    if not isinstance(payload.get("operationName"), str | None):
        return "The operationName of subscribe is a text."
    return None
