"""What the webhook verifiers share: the age of a message, its JSON, and what of it may become a key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import orjson
from standardwebhooks import WebhookVerificationError

from gateways.base import WebhookRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from standardwebhooks import Webhook

TOLERANCE_SECONDS: Final = 300
"""How far a message's time may be from ours, unless its provider signs no fresh time on every delivery."""

MAX_TEXT_CHARACTERS: Final = 255
"""Of an event's id, type or order, which become keys of the database."""

_SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_TIMESTAMP_DIGITS: Final = 13


def check_age(timestamp: str, *, per_second: int = 1, past_seconds: int = TOLERANCE_SECONDS) -> None:
    """Reject a message from another time; its timestamp counts from 1970, `per_second` steps a second."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        raise WebhookRejected("malformed")
    age_seconds = time.time() - int(timestamp) / per_second
    if age_seconds > past_seconds:
        raise WebhookRejected("too_old")
    if age_seconds < -TOLERANCE_SECONDS:
        raise WebhookRejected("too_new")


def check_standard(verifiers: Iterable[Webhook], headers: Mapping[str, str], body: bytes) -> str:
    """Check age and signature by the Standard Webhooks rules, under any of the keys; return the message's id."""
    if any(name not in headers for name in _SIGNED):
        raise WebhookRejected("missing_header")
    check_age(headers["webhook-timestamp"])
    signed = {name: headers[name] for name in _SIGNED}
    for verifier in verifiers:
        try:
            verifier.verify(body, signed, json_parse=False)
        except WebhookVerificationError:
            continue
        except ValueError as fault:
            # The library lets malformed signatures and bodies out as plain ValueErrors.
            raise WebhookRejected("malformed") from fault
        return headers["webhook-id"]
    raise WebhookRejected("bad_signature")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. WebhookRejected."""
    try:
        read = orjson.loads(body)
    except ValueError as fault:
        raise WebhookRejected("malformed") from fault
    if not isinstance(read, dict):
        raise WebhookRejected("malformed")
    return read


def find(data: object, *path: str) -> object:
    """What stands at a path of nested objects, or None."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def text(value: object) -> str:
    """A text that can be stored as a key. WebhookRejected."""
    if isinstance(value, str) and 1 <= len(value) <= MAX_TEXT_CHARACTERS and "\x00" not in value:
        return value
    raise WebhookRejected("malformed")


def optional_text(value: object) -> str | None:
    """Such a text, or None. WebhookRejected."""
    return None if value is None else text(value)
