"""uvicorn's HTTP protocol with limits that it lacks: on a request's head, and on clients that stop reading the answer.

It overrides the callbacks of uvicorn's httptools protocol, which are pinned with uvicorn's version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MAX_HEAD_BYTES: Final = 32 * 1024
HEAD_SECONDS: Final = 10.0
"""From the first byte of a request, or from the connection, to the end of its headers."""

STALL_SECONDS: Final = 30.0
"""How long a client may take nothing of an answer that waits for it."""

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

_refused: Final = Counter(
    "coffer_http_heads_refused_total", "Connections closed for the head of a request.", ["reason"]
)
_stalled: Final = Counter("coffer_http_stalled_total", "Connections closed as their clients took nothing of an answer.")


class LimitedHttp(HttpToolsProtocol):
    """Closes a connection whose request head grows too large or does not end, or whose client reads no more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._end_head()
        self._end_stall()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._end_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what comes; a head may go over its limit by one read, never by two."""
        if self._head_timer is not None:
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("large", _TOO_LARGE)
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def pause_writing(self) -> None:
        """The client reads more slowly than we send."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has read."""
        self._end_stall()
        super().resume_writing()

    def _watch(self, left_bytes: int) -> None:
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self._judge, left_bytes)

    def _judge(self, left_bytes: int) -> None:
        """Let the connection go if nothing was taken; what is not sent is lost, so its reader knows."""
        now_bytes = self.transport.get_write_buffer_size()
        if now_bytes < left_bytes:
            self._watch(now_bytes)
        else:
            _stalled.inc()
            self.transport.abort()

    def _end_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _begin_head(self) -> None:
        self._end_head()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, "slow", _TOO_SLOW)

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, reason: str, answer: bytes) -> None:
        if not self.transport.is_closing():
            _refused.labels(reason).inc()
            self.transport.write(answer)
            self.transport.close()
