"""Cashfree Payments (India): orders that are paid on Cashfree's checkout, refunds, webhooks; API of 2025-01-01."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from domain.purchases import PaymentMethod, PurchaseStatus
from domain.refunds import DisputeStatus, RefundStatus
from gateways import inbox
from gateways.base import (
    EventKind,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    OrderRequest,
    Payment,
    ProviderDispute,
    ProviderRefund,
    RefundRequest,
    Reversals,
    WebhookEvent,
    WebhookRejected,
)
from gateways.calls import Calls, read_json, readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from gateways.accounts import CashfreeAccount

API_VERSION: Final = "2025-01-01"
SDK_URL: Final = "https://sdk.cashfree.com/js/v3/cashfree.js"
"""Cashfree's own script, which opens its checkout: there is no address to send a buyer to."""

ORDER_HOURS: Final = 24
WEBHOOK_AGE_SECONDS: Final = 3_600
"""It is not documented whether a repeated delivery is signed anew; the default ones come within 42 minutes."""

_METHODS: Final = {
    PaymentMethod.UPI.name: "upi",
    PaymentMethod.DEBIT_CARD.name: "dc",
    PaymentMethod.CREDIT_CARD.name: "cc",
    PaymentMethod.NET_BANKING.name: "nb",
    PaymentMethod.WALLET.name: "app",
}
_KNOWN: Final = frozenset({409, 422})
"""The order or refund of this id exists, or the idempotency key was used with another expiry time: read it."""

_OUR_FAULT: Final = frozenset({401, 403})
_CLOSED: Final = frozenset({"EXPIRED", "TERMINATED"})
_REFUND_STATUSES: Final = {
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CANCELLED": RefundStatus.FAILED,
    "FAILED": RefundStatus.FAILED,
}
"""Everything else is on its way."""

_LOST: Final = ("_MERCHANT_LOST", "_MERCHANT_ACCEPTED")
"""How the statuses of every kind of dispute end, from RETRIEVAL to ARBITRATION; the rest is undecided."""

_WON: Final = "_MERCHANT_WON"
_INDIA: Final = timezone(timedelta(hours=5, minutes=30))
_REFUND_EVENTS: Final = frozenset({"REFUND_STATUS_WEBHOOK", "AUTO_REFUND_STATUS_WEBHOOK"})
_PAYMENT_EVENTS: Final = frozenset(
    {"PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_FAILED_WEBHOOK", "PAYMENT_USER_DROPPED_WEBHOOK", "PAYMENT_CHARGES_WEBHOOK"}
)


class CashfreeGateway:
    """Talks to Cashfree; our reference is the order's id there, so a repeated call finds the same order."""

    name = "cashfree"
    is_merchant_of_record = False

    def __init__(self, account: CashfreeAccount) -> None:
        self._account = account
        headers = {
            "x-client-id": account.client_id,
            "x-client-secret": account.secrets[0],
            "x-api-version": API_VERSION,
            "content-type": "application/json",
        }
        self._calls = Calls(self.name, account.base_url, headers)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        order = await self._create("/orders", request.reference, self._order_body(request), f"/orders/{_safe(request)}")
        with readable():
            return Order(order["order_id"], f"{self._account.checkout_url}#{order['payment_session_id']}")

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands, and its payments."""
        path = f"/orders/{quote(order_id, safe='')}"
        order = await self._read(path)
        attempts = await self._read(f"{path}/payments")
        with readable():
            return read_payment(order, attempts)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back; the same reference refunds once."""
        path = f"/orders/{quote(request.order_id, safe='')}/refunds"
        body = {
            "refund_amount": rupees(request.total_minor),
            "refund_id": request.reference,
            "refund_note": "Refund of credits",
            "refund_speed": "STANDARD",
        }
        refund = await self._create(path, request.reference, body, f"{path}/{quote(request.reference, safe='')}")
        with readable():
            made = read_refund(refund)
        if made.status is RefundStatus.FAILED:
            raise GatewayRefused(made.failure_reason or "")
        return made

    async def fetch_reversals(self, order_id: str, payment_id: str) -> Reversals:
        """Read the refunds and disputes of one of an order's payments."""
        refunds = await self._read(f"/orders/{quote(order_id, safe='')}/refunds")
        disputes = await self._read(f"/payments/{quote(payment_id, safe='')}/disputes")
        with readable():
            mine = [refund for refund in refunds if str(refund["cf_payment_id"]) == payment_id]
            return Reversals([read_refund(refund) for refund in mine], [read_dispute(one) for one in disputes])

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and signature: base64 of HMAC-SHA256, by the client secret, of the timestamp before the body."""
        if any(name not in headers for name in ("x-webhook-timestamp", "x-webhook-signature")):
            raise WebhookRejected("missing_header")
        timestamp = headers["x-webhook-timestamp"]
        inbox.check_age(timestamp, per_second=1000, past_seconds=WEBHOOK_AGE_SECONDS)
        given = headers["x-webhook-signature"].encode()
        expected = [sign(secret, timestamp, body) for secret in self._account.secrets]
        if not any(hmac.compare_digest(given, signature) for signature in expected):
            raise WebhookRejected("bad_signature")
        return read_event(body)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _create(self, path: str, reference: str, body: dict[str, Any], known_path: str) -> Any:  # noqa: ANN401 - JSON
        """Post under our reference as idempotency key; what is there already under that id is read."""
        headers = {"x-idempotency-key": str(uuid5(NAMESPACE_URL, f"{path}/{reference}"))}
        answer = await self._calls.send("POST", path, content=orjson.dumps(body), headers=headers)
        if answer.status_code in _KNOWN:
            return await self._read(known_path)
        return _checked(answer)

    async def _read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = await self._calls.send("GET", path)
        return _checked(answer)

    def _order_body(self, request: OrderRequest) -> dict[str, Any]:
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=ORDER_HOURS)
        meta = {"return_url": self._account.return_url, "payment_methods": _METHODS[request.method]}
        if self._account.webhook_url.startswith("https://"):
            meta["notify_url"] = self._account.webhook_url
        customer = {"customer_id": request.customer, "customer_phone": self._account.customer_phone}
        return {
            "order_id": request.reference,
            "order_amount": rupees(request.total_minor),
            "order_currency": request.currency,
            "order_note": request.description,
            "order_expiry_time": expires_at.isoformat(),
            "customer_details": customer,
            "order_meta": meta,
        }


def sign(secret: str, timestamp: str, body: bytes) -> bytes:
    """The signature header of a message: nothing stands between timestamp and body."""
    return base64.b64encode(hmac.digest(secret.encode(), timestamp.encode() + body, "sha256"))


def rupees(total_minor: int) -> orjson.Fragment:
    """Paise as the JSON number of rupees that the API takes, without a float on the way."""
    return orjson.Fragment(f"{total_minor // 100}.{total_minor % 100:02d}")


def paise(amount: Decimal | int) -> int:
    """Rupees of an answer in paise. ValueError when there is a part of a paisa."""
    minor = Decimal(amount) * 100
    if minor != int(minor):
        raise ValueError(f"{amount} rupees are no whole paise.")
    return int(minor)


def read_payment(order: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> Payment:
    """One order and the attempts to pay it: paid when both the order and one attempt say so."""
    paid = next((attempt for attempt in attempts if attempt["payment_status"] == "SUCCESS"), None)
    total, currency, payment_id = paise(order["order_amount"]), order["order_currency"], None
    if paid and order["order_status"] == "PAID":
        # A surcharge of the bank may be on top of our amount, never in place of it.
        total, currency = min(total, paise(paid["payment_amount"])), paid["payment_currency"]
        payment_id = str(paid["cf_payment_id"])
        status, reason = PurchaseStatus.SUCCESS, None
    else:
        status, reason = _unpaid(order, attempts)
    is_final = status is PurchaseStatus.SUCCESS or order["order_status"] in _CLOSED
    order_id = order["order_id"]
    return Payment(order_id, order_id, payment_id, status, total, currency, reason, is_final)


def read_refund(refund: Mapping[str, Any]) -> ProviderRefund:
    """A refund, whose id in our words is the reference if we asked for it."""
    status = _REFUND_STATUSES.get(refund["refund_status"], RefundStatus.PENDING)
    said = refund.get("status_description") or f"Cashfree says {refund['refund_status'].lower()}."
    return ProviderRefund(
        refund_id=str(refund["cf_refund_id"]),
        reference=str(refund["refund_id"]),
        total_minor=paise(refund["refund_amount"]),
        currency=refund["refund_currency"],
        status=status,
        failure_reason=said if status is RefundStatus.FAILED else None,
    )


def read_dispute(dispute: Mapping[str, Any]) -> ProviderDispute:
    """A dispute of any kind, from a retrieval to arbitration."""
    said = dispute["dispute_status"]
    status = DisputeStatus.OPEN
    if said.endswith(_WON):
        status = DisputeStatus.WON
    elif said.endswith(_LOST):
        status = DisputeStatus.LOST
    respond_by = datetime.fromisoformat(dispute["respond_by"])
    return ProviderDispute(
        dispute_id=str(dispute["dispute_id"]),
        total_minor=paise(dispute["dispute_amount"]),
        currency=dispute.get("dispute_amount_currency") or dispute["order_details"]["order_currency"],
        status=status,
        reason=dispute.get("reason_description"),
        respond_by=respond_by if respond_by.tzinfo else respond_by.replace(tzinfo=_INDIA),
    )


def _unpaid(order: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> tuple[PurchaseStatus, str | None]:
    """A failed attempt fails the purchase, though the buyer may still try another; then the success counts."""
    states = {attempt["payment_status"] for attempt in attempts}
    if order["order_status"] in _CLOSED:
        return PurchaseStatus.FAILED, "The order was not paid in time."
    if states & {"PENDING", "SUCCESS"} or order["order_status"] == "PAID":
        return PurchaseStatus.PENDING, None
    if states - {"NOT_ATTEMPTED"}:
        latest = max(attempts, key=lambda attempt: str(attempt.get("payment_time") or ""))
        details = latest.get("error_details") or {}
        return PurchaseStatus.FAILED, details.get("error_description") or latest.get("payment_message") or "Not paid."
    return PurchaseStatus.PROCESSING, None


def read_event(body: bytes) -> WebhookEvent:
    """A message in our words. It has no id of its own, so what it tells is its id: one event tells it once."""
    event = inbox.read_object(body)
    type_, data = inbox.text(event.get("type")), event.get("data")
    if type_ in _REFUND_EVENTS:
        refund = inbox.find(data, "refund") or inbox.find(data, "auto_refund")
        told = (inbox.find(refund, "cf_refund_id"), inbox.find(refund, "refund_status"))
        order_id, kind = inbox.find(refund, "order_id"), EventKind.REFUND
    elif type_ in _PAYMENT_EVENTS:
        payment = inbox.find(data, "payment")
        told = (inbox.find(payment, "cf_payment_id"), inbox.find(payment, "payment_status"))
        order_id, kind = inbox.find(data, "order", "order_id"), EventKind.PAYMENT
    else:
        is_dispute = type_.startswith("DISPUTE_")
        told, kind = (None, None), EventKind.DISPUTE if is_dispute else EventKind.OTHER
        order_id = inbox.find(data, "order_details" if is_dispute else "order", "order_id")
    # Ids come as texts in some messages and as numbers in others.
    about = ":".join(map(str, told)) if None not in told else sha256(body).hexdigest()
    return WebhookEvent(inbox.text(f"{type_}:{about}"), type_, inbox.optional_text(order_id), kind)


def _checked(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    content = read_json(answer)
    if answer.is_success:
        return content
    with readable():
        message = str(content["message"])
    if answer.status_code in _OUR_FAULT:
        raise GatewayUnavailable(f"Cashfree does not accept our credentials: {message}")
    raise GatewayRefused(message)


def _safe(request: OrderRequest) -> str:
    return quote(request.reference, safe="")
