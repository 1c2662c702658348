"""What the machine can do at the moment: sockets that are told what Redis says, with no GraphQL and no checks at all.

It speaks as much of graphql-transport-ws as the benchmark's clients need; `extensions.topic` of a subscription names
the Redis topic. The same messages go through it and through the server, to the same clients.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
from typing import Any, Final

import orjson
import uvloop
from redis import asyncio as redis
from websockets.frames import Frame, Opcode

from runtime import collector

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SLICE: Final = 250


class Topics:
    """Who listens to what."""

    def __init__(self, url: str) -> None:
        self._pubsub: Any = redis.Redis.from_url(url).pubsub()
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self.listeners: dict[str, set[asyncio.Transport]] = {}

    async def connect(self) -> None:
        """Open the connection, so that it is one."""
        await self._pubsub.subscribe("plain")

    def add(self, topic: str, transport: asyncio.Transport) -> None:
        """Listen."""
        there = self.listeners.setdefault(topic, set())
        there.add(transport)
        if len(there) == 1:
            self._wanted.put_nowait(topic)

    async def subscribe(self) -> None:
        """Subscribe to what is wanted, over the connection that is there."""
        while True:
            await self._pubsub.subscribe(await self._wanted.get())

    async def run(self) -> None:
        """Pass messages on."""
        while True:
            message = await self._pubsub.get_message(timeout=None)
            if message and message["type"] == "message":
                await self._tell(message["channel"].decode(), orjson.loads(message["data"]))

    async def _tell(self, topic: str, body: dict[str, Any]) -> None:
        event = {"sequence": str(body.get("wallet", body)["sequence"])}
        text = orjson.dumps({"id": "1", "type": "next", "payload": {"data": {"plain": event}}})
        frame = Frame(Opcode.TEXT, text).serialize(mask=False)
        for number, transport in enumerate(list(self.listeners.get(topic, ())), 1):
            transport.write(frame)
            if number % _SLICE == 0:
                await asyncio.sleep(0)


class PlainSocket(asyncio.Protocol):
    """One client. What it sends comes frame by frame, since it waits for each answer."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._topic = ""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - asyncio's
        """Wait for the handshake."""
        self._transport = transport

    def connection_lost(self, _fault: Exception | None) -> None:
        """Listen no more."""
        self._topics.listeners.get(self._topic, set()).discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer the handshake, then connection_init; listen at subscribe."""
        if data.startswith(b"GET"):
            key = data.partition(b"sec-websocket-key: ")[2].partition(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            self._transport.write(head + b"sec-websocket-accept: " + accept + b"\r\n\r\n")
        elif b"connection_init" in data:
            self._transport.write(Frame(Opcode.TEXT, b'{"type":"connection_ack"}').serialize(mask=False))
        elif b"subscribe" in data:
            self._topic = data.partition(b'"topic":"')[2].partition(b'"')[0].decode()
            self._topics.add(self._topic, self._transport)


async def serve(port: int, url: str) -> None:
    """Serve until killed."""
    topics = Topics(url)
    await topics.connect()
    await asyncio.get_running_loop().create_server(lambda: PlainSocket(topics), "127.0.0.1", port, backlog=4096)
    collector.calm()
    await asyncio.gather(topics.subscribe(), topics.run())


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
