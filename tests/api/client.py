"""A small GraphQL client over real HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import connect

from gateways.calls import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection


class Client:
    """A caller with one key."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self.key = key
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.AsyncClient(base_url=url, headers=headers, verify=trusted(), timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        """Leave it open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        await self.http.aclose()

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """The whole answer."""
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        return dict(response.json())

    async def run(self, query: str, **variables: Any) -> Any:  # noqa: ANN401 - JSON
        """The first field of an answer that has no error."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer
        return next(iter(answer["data"].values()))

    @asynccontextmanager
    async def watch(self, query: str, **variables: Any) -> AsyncIterator[Stream]:  # noqa: ANN401 - JSON
        """A subscription on a socket of its own."""
        url = self.url.replace("http", "ws") + "/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            payload = {"authorization": f"Bearer {self.key}"} if self.key else {}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            stream = Stream(socket)
            await stream.subscribe("1", query, **variables)
            yield stream


class Stream:
    """The events of one subscription."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def subscribe(self, operation_id: str, query: str, **variables: Any) -> None:  # noqa: ANN401 - JSON
        """Send one more operation over this socket."""
        request = {"query": query, "variables": variables}
        await self._socket.send(json.dumps({"id": operation_id, "type": "subscribe", "payload": request}))

    async def message(self, seconds: float = 30) -> dict[str, Any]:
        """The next protocol message; {} when none comes in time."""
        try:
            async with asyncio.timeout(seconds):
                return dict(json.loads(await self._socket.recv()))
        except TimeoutError:
            return {}

    async def send(self, **message: Any) -> None:  # noqa: ANN401 - JSON
        """Send a protocol message."""
        await self._socket.send(json.dumps(message))

    async def next(self) -> Any:  # noqa: ANN401 - JSON
        """The first field of the next event."""
        message = await self.message()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return next(iter(message["payload"]["data"].values()))
