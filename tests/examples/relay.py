"""A network between a client and the server that can be cut."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tests.builders import free_port

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

READ_BYTES = 4_096


class Relay:
    """Passes TCP connections on; `cut_after_bytes` breaks each one when the server has sent that much."""

    def __init__(self, target: int, cut_after_bytes: int | None = None) -> None:
        self.port = free_port()
        self.cuts = 0
        self.refused = asyncio.Event()
        self.down = False
        self._target = target
        self._cut_after_bytes = cut_after_bytes
        self._writers: set[StreamWriter] = set()

    def cut(self) -> None:
        """Break every connection, and each new one while it is `down`, with no word to either side."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection."""
        if self.down:
            self.refused.set()
            writer.transport.abort()
            return
        upstream, server = await asyncio.open_connection("127.0.0.1", self._target)
        both = {writer, server}
        self._writers |= both
        with suppress(OSError):
            await asyncio.gather(self._pass(reader, server), self._pass(upstream, writer, self._cut_after_bytes))
        self._writers -= both
        for end in both:
            end.transport.abort()

    async def _pass(self, reader: StreamReader, writer: StreamWriter, most: int | None = None) -> None:
        passed = 0
        while data := await reader.read(READ_BYTES):
            room = len(data) if most is None else most - passed
            writer.write(data[:room])
            await writer.drain()
            passed += len(data)
            if most is not None and passed > most:
                self.cuts += 1
                raise ConnectionResetError
        raise ConnectionResetError


@asynccontextmanager
async def relay(target: int, cut_after_bytes: int | None = None) -> AsyncIterator[Relay]:
    """A relay in front of a port; whatever is left of its connections is cut at the end."""
    network = Relay(target, cut_after_bytes)
    async with await asyncio.start_server(network.serve, "127.0.0.1", network.port) as server:
        yield network
        network.down = True
        server.close()
        network.cut()
