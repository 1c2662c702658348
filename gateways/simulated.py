"""The simulated provider, from Coffer's side: an HTTP client and a webhook verifier, like any other provider's."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx
import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from domain.purchases import PurchaseStatus
from gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Order,
    OrderRequest,
    Payment,
    RefundRequest,
    WebhookEvent,
    WebhookRejected,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ANSWER_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 3.0
ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 0.2
TOLERANCE_SECONDS: Final = 300
MAX_TEXT_CHARACTERS: Final = 255
"""Of an event's id, type or order, which become keys of the database."""

_SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_TIMESTAMP_DIGITS: Final = 12
_AGAIN: Final = frozenset({408, 425, 429})

_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    "pending": PurchaseStatus.PENDING,
    "paid": PurchaseStatus.SUCCESS,
    "failed": PurchaseStatus.FAILED,
    "refunded": PurchaseStatus.SUCCESS,
    "partially_refunded": PurchaseStatus.SUCCESS,
}


def merchant_key(secret: str) -> str:
    """Derive the merchant's bearer key from the webhook secret, which itself never travels."""
    return hmac.digest(secret.encode(), b"merchant key", "sha256").hex()


class SimulatedGateway:
    """Calls the provider at `base_url`; `secrets` are the webhook secrets in force, the newest first."""

    name = "simulated"

    def __init__(self, base_url: str, secrets: Sequence[str]) -> None:
        # The library refuses an empty secret here, so verification fails closed.
        self._verifiers = [Webhook(secret.encode()) for secret in secrets]
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"authorization": f"Bearer {merchant_key(secrets[0])}"},
            trust_env=False,
        )

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        body = {
            "reference": request.reference,
            "amount_minor": request.total_minor,
            "currency": request.currency,
            "method": request.method,
            "fails": request.simulate_failure,
        }
        answer = await self._call("POST", "/simulated/orders", body)
        with _readable():
            return Order(answer["id"], answer["checkout_url"])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands."""
        answer = await self._call("GET", f"/simulated/orders/{quote(order_id, safe='')}")
        with _readable():
            return _payment(answer)

    async def refund(self, request: RefundRequest) -> str:
        """Give money back; the same reference refunds once."""
        body = {"reference": request.reference, "amount_minor": request.total_minor}
        answer = await self._call("POST", f"/simulated/orders/{quote(request.order_id, safe='')}/refunds", body)
        with _readable():
            return str(answer["id"])

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age (TOLERANCE_SECONDS) and Standard Webhooks signature (any secret in force), then read the event."""
        if any(name not in headers for name in _SIGNED):
            raise WebhookRejected("missing_header")
        _check_age(headers["webhook-timestamp"])
        self._check_signature({name: headers[name] for name in _SIGNED}, body)
        return _read_event(headers["webhook-id"], body)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _check_signature(self, headers: dict[str, str], body: bytes) -> None:
        for verifier in self._verifiers:
            try:
                verifier.verify(body, headers, json_parse=False)
            except WebhookVerificationError:
                continue
            except ValueError as fault:
                # The library lets malformed signatures and bodies out as plain ValueErrors.
                raise WebhookRejected("malformed") from fault
            return
        raise WebhookRejected("bad_signature")

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call, and again after a lost answer: every call is idempotent by its reference."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(RETRY_SECONDS * 2**attempt * random.random())  # noqa: S311 - jitter guards nothing
            try:
                answer = await self._client.request(method, path, json=body)
            except httpx.RequestError as error:
                fault: Exception = error
                continue
            if answer.is_success:
                with _readable():
                    return dict(orjson.loads(answer.content))
            if answer.is_client_error and answer.status_code not in _AGAIN:
                raise GatewayRefused(_read_refusal(answer))
            fault = httpx.HTTPStatusError(f"status {answer.status_code}", request=answer.request, response=answer)
        raise GatewayUnavailable("The payment provider does not answer.") from fault


def _check_age(timestamp: str) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        raise WebhookRejected("malformed")
    age_seconds = time.time() - int(timestamp)
    if abs(age_seconds) > TOLERANCE_SECONDS:
        raise WebhookRejected("too_old" if age_seconds > 0 else "too_new")


def _read_event(event_id: str, body: bytes) -> WebhookEvent:
    try:
        event = orjson.loads(body)
        kind, data = event["type"], event.get("data")
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise WebhookRejected("malformed") from fault
    order_id = data.get("order_id") if isinstance(data, dict) else None
    if not (_is_storable(event_id) and _is_storable(kind) and (order_id is None or _is_storable(order_id))):
        raise WebhookRejected("malformed")
    return WebhookEvent(event_id, kind, order_id)


def _is_storable(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_TEXT_CHARACTERS and "\x00" not in value


def _payment(answer: Mapping[str, Any]) -> Payment:
    status = _STATUSES[answer["status"]]
    return Payment(
        order_id=answer["id"],
        reference=answer["reference"],
        payment_id=f"pay_{answer['id']}" if status is PurchaseStatus.SUCCESS else None,
        status=status,
        total_minor=answer["amount_minor"],
        currency=answer["currency"],
        failure_reason=answer["failure_reason"],
    )


@contextmanager
def _readable() -> Iterator[None]:
    """Turn an answer that is not what the provider's API promises into GatewayUnavailable."""
    try:
        yield
    except (ValueError, LookupError, TypeError) as fault:
        raise GatewayUnavailable("The payment provider's answer can't be read.") from fault


def _read_refusal(answer: httpx.Response) -> str:
    try:
        return str(orjson.loads(answer.content)["error"])
    except (ValueError, LookupError, TypeError):
        return f"The provider refused (status {answer.status_code})."
