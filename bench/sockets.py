"""Thousands of graphql-transport-ws clients in one process: no library of sockets stands between."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTING: Final = 64
"""Sockets that are being opened at the same time."""

OPEN_SECONDS: Final = 60.0
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SHORT_BYTES: Final = 126


class Socket(asyncio.Protocol):
    """One client with one subscription; `heard` gets each event's data and when it came."""

    def __init__(self, key: str, request: dict[str, Any], heard: Callable[[Any, float], None]) -> None:
        self._key, self._request, self._heard = key, request, heard
        self._bytes = bytearray()
        self._upgraded = False
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open = True

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio's
        """Ask for the protocol."""
        self._transport = transport
        nonce = base64.b64encode(os.urandom(16)).decode()
        lines: tuple[str, ...] = ("GET /graphql HTTP/1.1", "host: bench", "upgrade: websocket", "connection: upgrade")
        lines += (f"sec-websocket-key: {nonce}", "sec-websocket-version: 13")
        transport.write("\r\n".join((*lines, "sec-websocket-protocol: graphql-transport-ws\r\n\r\n")).encode())

    def connection_lost(self, _fault: Exception | None) -> None:
        """Say that it is over."""
        self.is_open = False
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError("closed while opening"))

    def data_received(self, data: bytes) -> None:
        """Take what the server sent."""
        self._bytes += data
        if not self._upgraded:
            head, found, rest = bytes(self._bytes).partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head, head
            self._upgraded, self._bytes = True, bytearray(rest)
            self._send({"type": "connection_init", "payload": {"authorization": f"Bearer {self._key}"}})
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def close(self) -> None:
        """Go without a word."""
        self._transport.abort()

    def _frame(self) -> tuple[int, bytes] | None:
        """The opcode and payload of the next whole frame; the server's are never masked."""
        data, start = self._bytes, 2
        if len(data) < start:
            return None
        length = data[1]
        if length >= _SHORT_BYTES:
            start = 4 if length == _SHORT_BYTES else 10
            length = int.from_bytes(data[2:start])
        if len(data) < start + length:
            return None
        opcode, payload = data[0] & 15, bytes(data[start : start + length])
        del data[: start + length]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._frame_out(_PONG, payload)
        elif opcode == _CLOSE:
            self._transport.close()
        elif opcode == _TEXT:
            came = time.perf_counter()
            message = orjson.loads(payload)
            if message["type"] == "connection_ack":
                self._send({"id": "1", "type": "subscribe", "payload": self._request})
                self.subscribed.set_result(None)
            else:
                assert message["type"] == "next", message
                assert "errors" not in message["payload"], message
                self._heard(message["payload"]["data"], came)

    def _send(self, message: dict[str, Any]) -> None:
        self._frame_out(_TEXT, orjson.dumps(message))

    def _frame_out(self, opcode: int, payload: bytes) -> None:
        """A frame with a mask of zeros, as the protocol lets a client choose."""
        length = bytes([128 | len(payload)]) if len(payload) < _SHORT_BYTES else b"\xfe" + len(payload).to_bytes(2)
        self._transport.write(bytes([128 | opcode]) + length + bytes(4) + payload)


async def open_sockets(port: int, made: list[Callable[[], Socket]]) -> list[Socket]:
    """Open a socket for each, CONNECTING at a time, each with its subscription sent."""
    loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(CONNECTING)

    async def one(make: Callable[[], Socket]) -> Socket:
        async with turns, asyncio.timeout(OPEN_SECONDS):
            _, socket = await loop.create_connection(make, "127.0.0.1", port)
            await socket.subscribed
            return socket

    return await asyncio.gather(*(one(make) for make in made))
