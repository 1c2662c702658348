"""Sockets that wait."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from runtime.frames import LiveSocket
from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.http11 import Request, Response

PING_SECONDS = 0.02
PINGS = 5
LONG_ENOUGH_SECONDS = 10.0


class Pinged(ClientConnection):
    """A client that counts what it is pinged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **kwargs)
        self.pings: asyncio.Queue[bytes] = asyncio.Queue()

    def process_event(self, event: Request | Response | Frame) -> None:
        """Note pings, then go on."""
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings.put_nowait(bytes(event.data))
        super().process_event(event)


async def waiting(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """An application that accepts a socket and waits for its end."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The address of a server with our sockets, which pings often."""
    port = free_port()
    config = uvicorn.Config(
        waiting, port=port, ws=LiveSocket, log_level="error", lifespan="off", ws_ping_interval=PING_SECONDS
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(LONG_ENOUGH_SECONDS):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(PING_SECONDS)
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def test_a_waiting_socket_is_pinged_again_and_again() -> None:
    """A socket on which nothing happens is pinged after each answer, so that no proxy thinks it dead."""
    async with serving() as address, connect(address, create_connection=Pinged) as client:
        assert isinstance(client, Pinged)
        pings = [await asyncio.wait_for(client.pings.get(), LONG_ENOUGH_SECONDS) for _ in range(PINGS)]
        assert len(set(pings)) == PINGS
