"""The least of an HTTP client: one kept-alive connection that tells an act that was not sent from one not answered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_SECONDS: Final = 30.0


class NotSent(Exception):
    """Nobody listens, so nothing happened."""


class Unanswered(Exception):
    """The connection was lost after the request went out: nobody knows whether it happened."""


class Wire:
    """Requests to one server, one after the other."""

    def __init__(self, url: str, key: str) -> None:
        self._place = urlsplit(url)
        self._head = f"POST /graphql HTTP/1.1\r\nhost: {self._place.netloc}\r\nauthorization: Bearer {key}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, document: str, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """The answer's body. NotSent, Unanswered."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        reader, writer = self._streams or await self._connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                head = f"{self._head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                return json.loads(await _body(reader))
        except (OSError, EOFError, TimeoutError, ValueError) as fault:
            self.close()
            raise Unanswered from fault

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            self._streams = await asyncio.open_connection(self._place.hostname, self._place.port)
        except OSError as fault:
            raise NotSent from fault
        return self._streams


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    return await reader.readexactly(int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
