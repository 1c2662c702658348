"""Polar, a merchant of record: checkouts, subscriptions, refunds and webhooks; API of 2026-10.

Polar sells in its own name, adds its own tax and writes its own invoice: what counts for us is the net amount.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from standardwebhooks import Webhook

from domain.purchases import PurchaseStatus
from domain.refunds import RefundStatus
from domain.subscriptions import SubscriptionStatus
from gateways import inbox
from gateways.base import (
    ChargeRequest,
    EventKind,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    OrderRequest,
    Payment,
    ProviderRefund,
    ProviderSubscription,
    RefundRequest,
    Reversals,
    SavedMethod,
    WebhookEvent,
)
from gateways.calls import Calls, read_json, readable
from gateways.polar_answers import (
    ORDER,
    read_dispute,
    read_order,
    read_payment,
    read_refund,
    read_subscription,
    renews,
)
from gateways.polar_movements import PolarMovements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from gateways.accounts import PolarAccount
    from gateways.movements import Movements

API_VERSION: Final = "2026-10"
LISTED: Final = 100
"""Refunds or disputes of one order that are looked through: more than one order can have."""

LISTED_ORDERS: Final = 12
"""The latest orders of a subscription that are looked at: a year of months."""

SHORTEST_KEY_BYTES: Final = 16
"""A secret that decodes to less was no base64."""

_OUR_FAULT: Final = frozenset({401, 403})
_DECLINED, _NOT_DRAFT, _NOT_ENABLED = 402, 412, "OffSessionChargesNotEnabled"
_REFUNDED_ALREADY: Final = "RefundedAlready"


class PolarGateway:
    """Talks to Polar. There are no idempotency keys, so what must not happen twice is looked for first."""

    name = "polar"
    is_merchant_of_record = True

    def __init__(self, account: PolarAccount) -> None:
        self._account = account
        self.saves_at_purchase = account.charges_saved
        self.intervals = account.subscription_products.keys()
        self._verifiers = [Webhook(key) for secret in account.secrets for key in keys_of(secret)]
        headers = {"authorization": f"Bearer {account.access_token}", "polar-version": API_VERSION}
        self._calls = Calls(self.name, account.base_url, headers)
        self.movements: Movements = PolarMovements(self._send)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open a checkout. A lost answer leaves one behind that no buyer ever sees, and that expires."""
        checkout = await self._send("POST", "/v1/checkouts/", json=self._checkout_of(request))
        with readable():
            return Order(checkout["id"], checkout["url"])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how a checkout stands, and the order that came of it; or an order that nobody was asked about."""
        if order_id.startswith(ORDER):
            order = await self._send("GET", f"/v1/orders/{quote(order_id.removeprefix(ORDER), safe='')}")
            with readable():
                return read_order(order)
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

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:  # noqa: ARG002
        """Read the refunds and disputes of an order."""
        refunds = await self._list("/v1/refunds/", order_id=payment_id)
        disputes = await self._list("/v1/disputes/", order_id=payment_id)
        with readable():
            return Reversals([read_refund(one) for one in refunds], [read_dispute(one) for one in disputes])

    async def charge(self, request: ChargeRequest) -> Payment:
        """Charge the customer's default method: one draft order for the reference, finalised. A decline leaves it."""
        known = await self._list("/v1/orders/", **{"metadata[reference]": request.reference})
        order = known[0] if known else await self._draft(request)
        with readable():
            path, is_draft = f"/v1/orders/{order['id']}", order["status"] == "draft"
        if is_draft:
            answer = await self._calls.send("POST", f"{path}/finalize", is_repeatable=False, json={})
            content = read_json(answer)
            with readable():
                if answer.status_code == _DECLINED:
                    return replace(read_order(order), status=PurchaseStatus.FAILED, failure_reason=content["detail"])
                if not answer.is_success and answer.status_code != _NOT_DRAFT:
                    raise _refusal(answer, content)
            order = content if answer.is_success else await self._send("GET", path)
        with readable():
            return read_order(order)

    async def fetch_subscription(self, subscription_id: str) -> ProviderSubscription:
        """Read a subscription and its latest orders."""
        found = await self._send("GET", f"/v1/subscriptions/{quote(subscription_id, safe='')}")
        words = {"subscription_id": subscription_id, "limit": str(LISTED_ORDERS)}
        orders = await self._list("/v1/orders/", **words)
        with readable():
            return read_subscription(found, orders)

    async def cancel_subscription(self, subscription_id: str) -> ProviderSubscription:
        """End a subscription now; nothing that was paid goes back."""
        told = await self.fetch_subscription(subscription_id)
        if told.status is SubscriptionStatus.CANCELLED:
            return told
        ended = await self._send("DELETE", f"/v1/subscriptions/{quote(subscription_id, safe='')}", is_repeatable=False)
        with readable():
            return read_subscription(ended)

    async def forget(self, method: SavedMethod) -> None:
        """Do nothing: at Polar the customer alone can remove a method."""

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and Standard Webhooks signature (any secret in force), then read the event."""
        return read_event(inbox.check_standard(self._verifiers, headers, body), body)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _draft(self, request: ChargeRequest) -> Any:  # noqa: ANN401 - JSON
        body = {
            "customer_id": request.method.customer_id,
            "product_id": self._account.product_id,
            "amount": request.total_minor,
            "currency": request.currency.lower(),
            "description": request.description,
            "metadata": {"reference": request.reference},
        }
        return await self._send("POST", "/v1/orders/", is_repeatable=False, json=body)

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
        answer = await self._send("GET", path, params={"limit": str(LISTED), **filters})
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
        if request.interval is not None:
            product = self._account.subscription_products[request.interval]
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


def read_event(event_id: str, body: bytes) -> WebhookEvent:
    """A message in our words: of an order by its checkout, of one without or of a renewal by itself, as of refunds."""
    event = inbox.read_object(body)
    type_ = inbox.text(event.get("type"))
    if type_ == "order.refunded" or type_.startswith("refund."):
        name, kind = ("order_id" if type_.startswith("refund.") else "id"), EventKind.REFUND
    elif type_.startswith("subscription."):
        name, kind = "id", EventKind.SUBSCRIPTION
    elif type_.startswith("order."):
        name, kind = ("" if renews(event.get("data")) else "checkout_id"), EventKind.PAYMENT
    elif type_.startswith("checkout."):
        name, kind = "id", EventKind.PAYMENT
    else:
        name, kind = "", EventKind.OTHER
    about = inbox.optional_text(inbox.find(event, "data", name))
    if type_.startswith("order.") and about is None:
        about = ORDER + inbox.text(inbox.find(event, "data", "id"))
    return WebhookEvent(inbox.text(event_id), type_, about, kind)


def _refusal(answer: httpx.Response, content: Mapping[str, Any]) -> GatewayRefused | GatewayUnavailable:
    detail = content.get("detail")
    message = detail if isinstance(detail, str) else "; ".join(str(fault["msg"]) for fault in detail or [])
    if content.get("error") == _NOT_ENABLED:
        return GatewayRefused(
            "Polar does not let this organisation charge saved methods: ask Polar for off-session charges."
        )
    if answer.status_code in _OUR_FAULT and content.get("error") != _REFUNDED_ALREADY:
        return GatewayUnavailable(f"Polar does not accept our token: {message}")
    return GatewayRefused(message or f"Polar refused (status {answer.status_code}).")
