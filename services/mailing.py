"""Writing e-mails: each kind has a text template, whose first line is the subject, and all share one page of HTML."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from db.models.notifications import Notification

_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "mails"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
)


def write_mail(row: Notification, sender: str) -> EmailMessage:
    """The message of a notification; written again it is the same, Message-ID and date included."""
    text = _templates.get_template(f"{row.kind.name.lower()}.txt").render(row.facts)
    subject, _, body = text.partition("\n")
    paragraphs = [part.strip() for part in body.split("\n\n") if part.strip()]
    page = _templates.get_template("message.html").render(subject=subject, paragraphs=paragraphs)
    message = EmailMessage()
    message["From"], message["To"] = sender, row.email
    message["Subject"] = subject
    message["Date"] = format_datetime(row.created_at)
    message["Message-ID"] = f"<{row.uuid.hex}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(paragraphs) + "\n")
    message.add_alternative(page, subtype="html")
    return message
