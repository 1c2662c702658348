"""Answers that stream over HTTP."""

from __future__ import annotations

from strawberry.http.streaming import SSETransport


class EventStream(SSETransport):
    """Strawberry's event stream with plain line ends: urql splits it at two of them."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        """One event."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        """A sign of life."""
        return super().encode_comment(comment).replace("\r\n", "\n")
