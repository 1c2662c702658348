"""A real SMTP server on loopback that keeps what it takes, and refuses what a test wants refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, cast

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope, Session


@dataclass
class Inbox:
    """Takes mail on a port; `replies` are given to recipients in turn, then it takes them all."""

    port: int = 0
    replies: list[str] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's signature
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message."""
        content = cast("bytes", envelope.content)
        self.taken.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    """Run such a server for the length of the block."""
    made = Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(made), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
