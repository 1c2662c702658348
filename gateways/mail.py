"""Sending e-mail: over SMTP, or into a local folder that a developer can look at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

SEND_SECONDS: Final = 20.0
PERMANENT: Final = 500
"""SMTP replies from here on will not change by asking again."""


class MailRefused(Exception):
    """The mail server will never take this message; its reply says why."""


class MailUnavailable(Exception):
    """The mail server did not take the message now; asking again may help."""


class Mailer(Protocol):
    """Sends messages; one that is sent again has the same Message-ID."""

    async def send(self, message: EmailMessage) -> None:
        """Hand it to the mail server. MailRefused, MailUnavailable."""


class LocalMailbox:
    """A folder with one .eml file a message, named by its Message-ID."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write the file."""
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        await asyncio.to_thread(self._write, f"{name}.eml", message.as_bytes())

    def _write(self, name: str, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_bytes(body)


class SmtpServer:
    """A mail server. A password goes over TLS alone, but on this very machine."""

    def __init__(self, host: str, port: int, *, login: tuple[str, str] | None = None, tls: bool = False) -> None:
        self._login = login
        self._words = {"hostname": host, "port": port, "use_tls": tls, "timeout": SEND_SECONDS}
        is_local = host in {"127.0.0.1", "::1", "localhost"}
        # None: TLS where the server offers it.
        self._start_tls = True if login and not tls and not is_local else None

    async def send(self, message: EmailMessage) -> None:
        """Send it over a connection of its own."""
        # Here, since only processes with a mail server need it.
        import aiosmtplib  # noqa: PLC0415

        user, password = self._login or (None, None)
        words = self._words | {"username": user, "password": password}
        try:
            await aiosmtplib.send(message, start_tls=self._start_tls, **words)  # type: ignore[arg-type]
        except aiosmtplib.SMTPRecipientsRefused as refused:
            replies = refused.recipients
            if all(reply.code >= PERMANENT for reply in replies):
                raise MailRefused("; ".join(reply.message for reply in replies)) from refused
            raise MailUnavailable("The mail server takes no mail for this address now.") from refused
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise MailUnavailable(f"The mail server did not take it: {fault}") from fault
