"""A real HTTP server on loopback that answers as a test wants, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HANG_UP = (0, b"")
"""The answer that closes the connection without a word."""

ARRIVAL_SECONDS = 30.0


@dataclass(frozen=True)
class Received:
    """One request; header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """Gives prepared answers in turn, the last one for ever."""

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"{}")])
    received: list[Received] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def will_answer(self, *answers: tuple[int, Any]) -> None:
        """Prepare answers: a status with JSON or raw bytes."""
        self.answers = [(status, body if isinstance(body, bytes) else orjson.dumps(body)) for status, body in answers]

    async def wait_for(self, requests: int) -> list[Received]:
        """Wait until that many requests have come."""
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while len(self.received) < requests:
                self._arrived.clear()
                await self._arrived.wait()
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(head[0], headers, body))
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status:
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(answer)}", "location: /elsewhere"]
            writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        self._arrived.set()


@asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    """Run such a server for the length of the block."""
    made = Loopback()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made
