"""Which mail server sends e-mails: one by its address, or a folder in the data folder."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from gateways.mail import LocalMailbox, SmtpServer

if TYPE_CHECKING:
    from starlette.config import Config

    from gateways.mail import Mailer
    from runtime.settings import Settings

DEFAULT_SENDER: Final = "Coffer <coffer@localhost>"
_PORTS: Final = {"smtp": 587, "smtps": 465}


def read_smtp_url(config: Config) -> str | None:
    """Where the mail server answers; None when e-mails stay in a folder. ValueError."""
    url: str | None = config("SMTP_URL", default=None) or None
    if url is not None and not (urlsplit(url).scheme in _PORTS and urlsplit(url).hostname):
        raise ValueError("COFFER_SMTP_URL is the address of a mail server, such as smtps://user:password@host:465.")
    return url


def read_sender(config: Config) -> str:
    """Who e-mails are from. ValueError."""
    sender: str = config("MAIL_FROM", default=DEFAULT_SENDER)
    if "@" not in parseaddr(sender)[1] or "\n" in sender:
        raise ValueError("COFFER_MAIL_FROM is a name and an address, such as Billing <billing@example.com>.")
    return sender


def open_mailer(settings: Settings) -> Mailer:
    """The mailer that the settings name."""
    if settings.smtp_url is None:
        return LocalMailbox(settings.data_dir / "mail")
    url = urlsplit(settings.smtp_url)
    login = (unquote(url.username), unquote(url.password or "")) if url.username else None
    return SmtpServer(url.hostname or "", url.port or _PORTS[url.scheme], login=login, tls=url.scheme == "smtps")
