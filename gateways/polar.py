"""Polar, a merchant of record: checkouts, refunds and webhooks; API of 2026-10.

Polar sells in its own name, adds its own tax and writes its own invoice: what counts for us is the net amount.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from standardwebhooks import Webhook

from domain.purchases import PurchaseStatus
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
)
from gateways.calls import Calls, read_json, readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from gateways.accounts import PolarAccount

API_VERSION: Final = "2026-10"
LISTED: Final = 100
"""Refunds or disputes of one order that are looked through: more than one order can have."""

SHORTEST_KEY_BYTES: Final = 16
"""A secret that decodes to less was no base64."""

_OUR_FAULT: Final = frozenset({401, 403})
_REFUNDED_ALREADY: Final = "RefundedAlready"
_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    "confirmed": PurchaseStatus.PENDING,
    # The checkout is through, and its order is on its way.
    "succeeded": PurchaseStatus.PENDING,
    "failed": PurchaseStatus.FAILED,
    "expired": PurchaseStatus.FAILED,
}
_PAID: Final = frozenset({"paid", "refunded", "partially_refunded"})
_REFUND_STATUSES: Final = {
    "pending": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_DISPUTE_STATUSES: Final = {
    "lost": DisputeStatus.LOST,
    "won": DisputeStatus.WON,
    # Polar refunded the buyer in time, and tells the refund by itself.
    "prevented": DisputeStatus.WON,
}


class PolarGateway:
    """Talks to Polar. There are no idempotency keys, so what must not happen twice is looked for first."""

    name = "polar"
    is_merchant_of_record = True

    def __init__(self, account: PolarAccount) -> None:
        self._account = account
        self._verifiers = [Webhook(key) for secret in account.secrets for key in keys_of(secret)]
        headers = {"authorization": f"Bearer {account.access_token}", "polar-version": API_VERSION}
        self._calls = Calls(self.name, account.base_url, headers)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open a checkout. A lost answer leaves one behind that no buyer ever sees, and that expires."""
        checkout = await self._send("POST", "/v1/checkouts/", json=self._checkout_of(request))
        with readable():
            return Order(checkout["id"], checkout["url"])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how a checkout stands, and the order that came of it."""
        checkout = await self._send("GET", f"/v1/checkouts/{quote(order_id, safe='')}")
        with readable():
            has_order = checkout["status"] == "succeeded"
        orders = await self._list("/v1/orders/", checkout_id=order_id) if has_order else []
        with readable():
            return read_payment(checkout, orders)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back, net of the tax that Polar adds in proportion; the same reference refunds once."""
        if request.payment_id is None:
            raise GatewayRefused("Polar refunds orders, and this checkout has none.")
        made = await self._list("/v1/refunds/", order_id=request.payment_id)
        with readable():
            known = [refund for refund in map(read_refund, made) if refund.reference == request.reference]
        refund = known[0] if known else await self._make_refund(request)
        if refund.status is RefundStatus.FAILED:
            raise GatewayRefused(refund.failure_reason or "")
        return refund

    async def fetch_reversals(self, order_id: str, payment_id: str) -> Reversals:  # noqa: ARG002 - the protocol's
        """Read the refunds and disputes of an order."""
        refunds = await self._list("/v1/refunds/", order_id=payment_id)
        disputes = await self._list("/v1/disputes/", order_id=payment_id)
        with readable():
            return Reversals([read_refund(one) for one in refunds], [read_dispute(one) for one in disputes])

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and Standard Webhooks signature (any secret in force), then read the event."""
        return read_event(inbox.check_standard(self._verifiers, headers, body), body)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _make_refund(self, request: RefundRequest) -> ProviderRefund:
        body = {
            "order_id": request.payment_id,
            "reason": "customer_request",
            "amount": request.total_minor,
            "metadata": {"reference": request.reference},
            "revoke_benefits": False,
        }
        made = await self._send("POST", "/v1/refunds/", is_repeatable=False, json=body)
        with readable():
            return read_refund(made)

    async def _list(self, path: str, **filters: str) -> Sequence[Mapping[str, Any]]:
        answer = await self._send("GET", path, params={**filters, "limit": LISTED})
        with readable():
            items: Sequence[Mapping[str, Any]] = answer["items"]
            return items

    async def _send(self, method: str, path: str, *, is_repeatable: bool = True, **request: Any) -> Any:  # noqa: ANN401 - JSON
        answer = await self._calls.send(method, path, is_repeatable=is_repeatable, **request)
        content = read_json(answer)
        if answer.is_success:
            return content
        with readable():
            raise _refusal(answer, content)

    def _checkout_of(self, request: OrderRequest) -> dict[str, Any]:
        price = {
            "amount_type": "fixed",
            "price_amount": request.total_minor,
            "price_currency": request.currency.lower(),
            # The tax comes on top, whatever the organisation's default, so that the net amount is ours.
            "tax_behavior": "exclusive",
        }
        product = self._account.product_id
        return {
            "products": [product],
            "prices": {product: [price]},
            "currency": request.currency.lower(),
            "external_customer_id": request.customer,
            "metadata": {"reference": request.reference},
            "success_url": self._account.return_url,
            "allow_discount_codes": False,
        }


def keys_of(secret: str) -> list[bytes]:
    """The keys that a secret may stand for.

    Polar signs with the bytes of the secret's whole text, and its library reads base64 as well, as the standard says.
    """
    try:
        decoded = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        decoded = b""
    return [secret.encode(), *([decoded] if len(decoded) >= SHORTEST_KEY_BYTES else [])]


def read_payment(checkout: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]) -> Payment:
    """A checkout and its orders: paid when an order says so, for its net amount."""
    paid = next((order for order in orders if order["status"] in _PAID), None)
    status = PurchaseStatus.SUCCESS if paid else _STATUSES[checkout["status"]]
    is_failed = status is PurchaseStatus.FAILED
    return Payment(
        order_id=checkout["id"],
        reference=str(checkout["metadata"].get("reference", "")),
        payment_id=paid["id"] if paid else None,
        status=status,
        total_minor=(paid or checkout)["net_amount"],
        currency=(paid or checkout)["currency"].upper(),
        failure_reason=f"The payment page says: {checkout['status']}." if is_failed else None,
        # A failed checkout is closed; another attempt is another checkout.
        is_final=is_failed or paid is not None,
    )


def read_refund(refund: Mapping[str, Any]) -> ProviderRefund:
    """A refund, whose amount is net of tax like the order's."""
    status = _REFUND_STATUSES[refund["status"]]
    return ProviderRefund(
        refund_id=str(refund["id"]),
        reference=str(refund["metadata"].get("reference", "")),
        total_minor=refund["amount"],
        currency=refund["currency"].upper(),
        status=status,
        failure_reason=f"The refund is {refund['status']} at Polar." if status is RefundStatus.FAILED else None,
    )


def read_dispute(dispute: Mapping[str, Any]) -> ProviderDispute:
    """A dispute; an early warning is an open one."""
    due_by = dispute["evidence_due_by"]
    return ProviderDispute(
        dispute_id=str(dispute["id"]),
        total_minor=dispute["amount"],
        currency=dispute["currency"].upper(),
        status=_DISPUTE_STATUSES.get(dispute["status"], DisputeStatus.OPEN),
        reason=dispute["reason"],
        respond_by=datetime.fromisoformat(due_by) if due_by else None,
    )


def read_event(event_id: str, body: bytes) -> WebhookEvent:
    """A message in our words. An order is told by the checkout it came from, a refund by the order it belongs to."""
    event = inbox.read_object(body)
    type_ = inbox.text(event.get("type"))
    if type_ == "order.refunded" or type_.startswith("refund."):
        name, kind = ("order_id" if type_.startswith("refund.") else "id"), EventKind.REFUND
    elif type_.startswith("order."):
        name, kind = "checkout_id", EventKind.PAYMENT
    elif type_.startswith("checkout."):
        name, kind = "id", EventKind.PAYMENT
    else:
        name, kind = "", EventKind.OTHER
    return WebhookEvent(inbox.text(event_id), type_, inbox.optional_text(inbox.find(event, "data", name)), kind)


def _refusal(answer: httpx.Response, content: Mapping[str, Any]) -> GatewayRefused | GatewayUnavailable:
    detail = content.get("detail")
    message = detail if isinstance(detail, str) else "; ".join(str(fault["msg"]) for fault in detail or [])
    if answer.status_code in _OUR_FAULT and content.get("error") != _REFUNDED_ALREADY:
        return GatewayUnavailable(f"Polar does not accept our token: {message}")
    return GatewayRefused(message or f"Polar refused (status {answer.status_code}).")
