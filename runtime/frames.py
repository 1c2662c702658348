"""uvicorn's socket protocol, lighter while it waits, and with a way to write a frame without waiting for a task.

It overrides parts of uvicorn's sans-I/O protocol, which are pinned with uvicorn's version.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

PING_SPREAD: Final = 1 / 3
"""The part of the interval by which a ping may come sooner."""

EXTENSION: Final = "coffer.frames"
"""The ASGI extension that gives an application `write` of its socket."""


def text_frame(text: bytes) -> bytes:
    """A whole message as it goes to a client; every client of a server can be sent the same bytes."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class Mailbox:
    """What uvicorn uses of asyncio.Queue, for one reader, in a tenth of the memory."""

    __slots__ = ("_messages", "_waiting")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        """Take a message."""
        self._messages.append(message)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> Any:  # noqa: ANN401 - an ASGI message
        """The next message."""
        while not self._messages:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Whether no message waits."""
        return not self._messages


class LiveSocket(WebSocketsSansIOProtocol):
    """A socket of which thousands wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self.queue = Mailbox()  # type: ignore[assignment]  # what is used of it

    async def run_asgi(self) -> None:
        """Serve the socket; its protocol is in its scope meanwhile."""
        self.scope["extensions"][EXTENSION] = {"write": self.write}
        try:
            await super().run_asgi()
        finally:
            self.scope["extensions"].clear()

    def start_keepalive(self) -> None:
        """The handshake is over: what only it needed goes."""
        super().start_keepalive()
        self.request.headers.clear()
        del self.response

    def schedule_ping(self) -> None:
        """Ping after a time of this socket's own: thousands that came back together are not pinged together."""
        assert self.ping_interval is not None  # noqa: S101 - as uvicorn's own: without an interval there are no pings
        delay = self.ping_interval * (1 - PING_SPREAD * random.random())  # noqa: S311 - jitter guards nothing
        self.ping_timer = self.loop.call_later(delay, self.send_keepalive_ping)

    def write(self, frame: bytes) -> bool:
        """Write a frame at once; False where the client or the socket's end must be waited for."""
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True
