"""Thousands of graphql-transport-ws clients in a process of their own, with little between socket and clock.

Frames are read by hand after epoll, and an event's time is that at which the kernel received its bytes: a client that
waits for a core delays no clock. The benchmark's own process gets what was heard in batches, for the same reason.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import select
import socket
import struct
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from runtime import collector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from multiprocessing.connection import Connection

CONNECTING: Final = 64
"""Sockets that are being opened at the same time."""

REPORT_SECONDS: Final = 0.02
OPEN_SECONDS: Final = 180.0
READ_BYTES: Final = 65_536
TIMESTAMP: Final = 35
"""Linux's SO_TIMESTAMPNS, which Python does not name: with what is received comes when, in the machine's wall time."""

_WHEN: Final = struct.Struct("qq")
_EXTRA_BYTES: Final = socket.CMSG_SPACE(_WHEN.size)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SHORT_BYTES: Final = 126


class Ask(NamedTuple):
    """One client to open: its number, where, with which key, and what it subscribes to."""

    number: int
    port: int
    key: str
    request: dict[str, Any]


class Heard(NamedTuple):
    """An event: the client, the sequence that it names, and when the kernel received it."""

    number: int
    sequence: int
    came: float


class _Client:
    """One socket."""

    __slots__ = ("ask", "bytes", "is_upgraded", "socket")

    def __init__(self, ask: Ask) -> None:
        self.ask, self.bytes, self.is_upgraded = ask, b"", False
        self.socket = socket.create_connection(("127.0.0.1", ask.port))
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
        nonce = base64.b64encode(os.urandom(16)).decode()
        lines: tuple[str, ...] = ("GET /graphql HTTP/1.1", "host: bench", "upgrade: websocket", "connection: upgrade")
        lines += (f"sec-websocket-key: {nonce}", "sec-websocket-version: 13")
        self.socket.send("\r\n".join((*lines, "sec-websocket-protocol: graphql-transport-ws\r\n\r\n")).encode())

    def receive(self) -> tuple[bytes, float]:
        """What is there, empty at the end, and when it came, by `time.perf_counter`."""
        data, extra, *_ = self.socket.recvmsg(READ_BYTES, _EXTRA_BYTES)
        now = time.perf_counter()
        if not extra:
            return data, now
        seconds, nanoseconds = _WHEN.unpack(extra[0][2])
        return data, now - (time.time() - seconds - nanoseconds / 1e9)

    def frames(self, data: bytes) -> list[tuple[int, bytes]]:
        """The opcode and payload of each whole frame; the server's are never masked."""
        if self.bytes:
            data = self.bytes + data
        if not self.is_upgraded:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self.bytes = data
                return []
            assert b" 101 " in head, head
            self.is_upgraded, data = True, rest
            self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {self.ask.key}"}})
        found_frames, at = [], 0
        while (end := _frame_end(data, at)) is not None:
            opcode, start, at = data[at] & 15, end[0], end[1]
            found_frames.append((opcode, data[start:at]))
        self.bytes = data[at:]
        return found_frames

    def send(self, message: dict[str, Any]) -> None:
        """Send one protocol message."""
        self.frame(_TEXT, orjson.dumps(message))

    def frame(self, opcode: int, payload: bytes) -> None:
        """Send a frame with a mask of zeros, as the protocol lets a client choose."""
        length = bytes([128 | len(payload)]) if len(payload) < _SHORT_BYTES else b"\xfe" + len(payload).to_bytes(2)
        self.socket.send(bytes([128 | opcode]) + length + bytes(4) + payload)


def _frame_end(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame that begins here begins and ends; None while it is not whole."""
    start = at + 2
    if len(data) < start:
        return None
    length = data[at + 1]
    if length >= _SHORT_BYTES:
        start = at + (4 if length == _SHORT_BYTES else 10)
        length = int.from_bytes(data[at + 2 : start])
    return (start, start + length) if len(data) >= start + length else None


class _Process:
    """The clients' process."""

    def __init__(self, parent: Connection) -> None:
        self._parent = parent
        self._epoll = select.epoll()
        self._epoll.register(parent.fileno(), select.EPOLLIN)
        self._clients: dict[int, _Client] = {}
        self._waiting: list[Ask] = []
        self._opening: set[int] = set()
        self._heard: list[Heard] = []
        self._closed = 0

    def run(self) -> None:
        """Serve the parent until it is gone."""
        reported = time.perf_counter()
        while True:
            for number, _ in self._epoll.poll(REPORT_SECONDS):
                if number != self._parent.fileno():
                    self._read(number)
                elif not self._obey():
                    return
            now = time.perf_counter()
            if now - reported >= REPORT_SECONDS and (self._heard or self._closed):
                self._parent.send(("heard", self._heard, self._closed))
                self._heard, self._closed, reported = [], 0, now

    def _obey(self) -> bool:
        """Do what the parent asks; False when it is gone."""
        try:
            what, asks = self._parent.recv()
        except EOFError:
            return False
        if what == "end":
            return False
        if what == "open":
            self._waiting = list(reversed(asks))
            self._open_more()
        else:
            for client in self._clients.values():
                client.socket.close()
            self._clients.clear()
        return True

    def _open_more(self) -> None:
        while self._waiting and len(self._opening) < CONNECTING:
            client = _Client(self._waiting.pop())
            number = client.socket.fileno()
            self._clients[number] = client
            self._opening.add(number)
            self._epoll.register(number, select.EPOLLIN)
        if not self._waiting and not self._opening:
            collector.calm()
            self._parent.send(("opened", [], 0))

    def _read(self, number: int) -> None:
        client = self._clients.get(number)
        if client is None:
            return
        data, came = client.receive()
        if not data:
            self._end(number)
            return
        for opcode, payload in client.frames(data):
            if opcode == _TEXT:
                self._take(client, payload, came)
            elif opcode == _PING:
                client.frame(_PONG, payload)
            elif opcode == _CLOSE:
                self._end(number)

    def _end(self, number: int) -> None:
        self._clients.pop(number).socket.close()
        self._closed += 1

    def _take(self, client: _Client, payload: bytes, came: float) -> None:
        message = orjson.loads(payload)
        if message["type"] == "connection_ack":
            client.send({"id": "1", "type": "subscribe", "payload": client.ask.request})
            self._opening.discard(client.socket.fileno())
            self._open_more()
            return
        if message["type"] == "complete":
            # The server was told to stop.
            return
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        event = next(iter(message["payload"]["data"].values()))
        self._heard.append(Heard(client.ask.number, int(event["sequence"]), came))


def _run(parent: Connection) -> None:
    collector.calm()
    # The parent may be gone while something is reported to it.
    with suppress(BrokenPipeError):
        _Process(parent).run()


class Watchers:
    """The clients, as the benchmark's process sees them."""

    def __init__(self, connection: Connection, process: multiprocessing.process.BaseProcess) -> None:
        self._connection = connection
        self._process = process
        self._opened = asyncio.Event()
        self.heard: Callable[[Sequence[Heard]], None] = lambda _events: None
        self.closed = 0

    @property
    def pid(self) -> int:
        """The process of the clients."""
        return self._process.pid or 0

    async def open(self, asks: Sequence[Ask]) -> float:
        """Open sockets and send their subscriptions; the seconds that it took."""
        started = time.perf_counter()
        self._opened.clear()
        self._connection.send(("open", asks))
        async with asyncio.timeout(OPEN_SECONDS):
            await self._opened.wait()
        return time.perf_counter() - started

    def close(self) -> None:
        """Let every socket go without a word."""
        self._connection.send(("close", []))

    def end(self) -> None:
        """End the clients' process."""
        with suppress(BrokenPipeError):
            self._connection.send(("end", []))

    async def read(self) -> None:
        """Take what the clients report, until their process ends."""
        while True:
            try:
                what, heard, closed = await asyncio.to_thread(self._connection.recv)
            except EOFError:
                return
            self.closed += closed
            if what == "opened":
                self._opened.set()
            self.heard(heard)


@asynccontextmanager
async def watchers() -> AsyncIterator[Watchers]:
    """A process of clients."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    made = Watchers(ours, process)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        made.end()
        await reading
        await asyncio.to_thread(process.join)
