"""What Cashfree's payments and payouts share: how answers are read and how messages are signed."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Any, Final

from gateways import inbox
from gateways.base import GatewayRefused, GatewayUnavailable, WebhookRejected
from gateways.calls import read_json, readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

WEBHOOK_AGE_SECONDS: Final = 3_600
"""It is not documented whether a repeated delivery is signed anew; the default ones come within 42 minutes."""

_OUR_FAULT: Final = frozenset({401, 403})


def headers_of(client_id: str, secret: str, api_version: str) -> dict[str, str]:
    """What every call carries."""
    return {
        "x-client-id": client_id,
        "x-client-secret": secret,
        "x-api-version": api_version,
        "content-type": "application/json",
    }


def checked(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """The JSON of an answer. GatewayRefused; GatewayUnavailable when it is about our own credentials."""
    content = read_json(answer)
    if answer.is_success:
        return content
    with readable():
        message = str(content["message"])
    if answer.status_code in _OUR_FAULT:
        raise GatewayUnavailable(f"Cashfree does not accept our credentials: {message}")
    raise GatewayRefused(message)


def sign(secret: str, timestamp: str, body: bytes) -> bytes:
    """The signature header of a message: nothing stands between timestamp and body."""
    return base64.b64encode(hmac.digest(secret.encode(), timestamp.encode() + body, "sha256"))


def check_signature(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> None:
    """Check age and signature: base64 of HMAC-SHA256, by a client secret, of the timestamp before the body."""
    if any(name not in headers for name in ("x-webhook-timestamp", "x-webhook-signature")):
        raise WebhookRejected("missing_header")
    timestamp = headers["x-webhook-timestamp"]
    inbox.check_age(timestamp, per_second=1000, past_seconds=WEBHOOK_AGE_SECONDS)
    given = headers["x-webhook-signature"].encode()
    expected = [sign(secret, timestamp, body) for secret in secrets]
    if not any(hmac.compare_digest(given, signature) for signature in expected):
        raise WebhookRejected("bad_signature")
