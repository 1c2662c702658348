"""Stripe: Checkout, subscriptions, refunds, charges of saved methods, webhooks, through Stripe's own async client."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import stripe

from domain.purchases import PurchaseStatus
from domain.refunds import RefundStatus
from domain.subscriptions import BillingInterval, SubscriptionStatus
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
    WebhookRejected,
)
from gateways.breaker import Breaker
from gateways.calls import CALL_SECONDS
from gateways.stripe_answers import (
    read_dispute,
    read_intent,
    read_invoice,
    read_refund,
    read_session,
    read_subscription,
    reference_of,
    subscription_of,
)
from gateways.stripe_movements import StripeMovements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from gateways.accounts import StripeAccount
    from gateways.movements import Movements

ANSWER_SECONDS: Final = 12.0
RETRIES: Final = 2
"""By Stripe's client: after lost connections, 409 and 5xx, with the same idempotency key."""

LISTED: Final = 100
"""Refunds or disputes of one payment that are looked through: more than one payment can have."""

_ORDER_EVENTS: Final = "checkout.session."
_INTENT_EVENTS: Final = "payment_intent."
_REFUND_EVENTS: Final = ("charge.refund", "refund.")
_INVOICE_EVENTS: Final = ("invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed", "invoice.voided")
_SUBSCRIPTION_EVENTS: Final = "customer.subscription."
_DISPUTE_EVENTS: Final = ("charge.dispute.", "radar.early_fraud_warning.")
_FINAL: Final = (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError)
"""Answers; everything else, our own wrong key included, proves nothing about the payment."""

LISTED_INVOICES: Final = 12
"""The latest invoices of a subscription that are looked at: a year of months."""

_EXPANDED: Final = ["payment_intent", "payment_intent.payment_method", "invoice.payments"]
_GONE: Final = frozenset({400, 404})


class StripeGateway:
    """Talks to Stripe; an order is a Checkout Session (`cs_...`) or, where nobody was asked, an intent (`pi_...`)."""

    name = "stripe"
    is_merchant_of_record = False
    saves_at_purchase = True
    intervals = frozenset(BillingInterval)

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._http = stripe.HTTPXClient(timeout=ANSWER_SECONDS)
        self._client = stripe.StripeClient(
            account.secret_key,
            http_client=self._http,
            base_addresses={"api": account.base_url},
            max_network_retries=RETRIES,
        )
        self._breaker = Breaker(self.name)
        self.movements: Movements = StripeMovements(self._client, self._call)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open a Checkout Session; the same reference gives the same one."""
        options: Any = {"idempotency_key": f"order:{request.reference}"}
        async with self._call():
            session = await self._client.v1.checkout.sessions.create_async(self._session_of(request), options)
        if session.url is None:
            raise GatewayUnavailable("Stripe's answer has no page to pay on.")
        return Order(session.id, session.url)

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how a Checkout Session, an intent or an invoice stands."""
        async with self._call():
            if order_id.startswith("pi_"):
                return read_intent(await self._client.v1.payment_intents.retrieve_async(order_id))
            if order_id.startswith("in_"):
                return read_invoice(await self._client.v1.invoices.retrieve_async(order_id, {"expand": ["payments"]}))
            sessions = self._client.v1.checkout.sessions
            return read_session(await sessions.retrieve_async(order_id, {"expand": _EXPANDED}))

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back; the same reference refunds once, also after Stripe has forgotten the idempotency key."""
        if request.payment_id is None:
            raise GatewayRefused("Stripe refunds payments, and this order has none.")
        refunds, intent = self._client.v1.refunds, request.payment_id
        options: Any = {"idempotency_key": f"refund:{request.reference}"}
        async with self._call():
            made = await refunds.list_async({"payment_intent": intent, "limit": LISTED})
            known = next((refund for refund in made.data if reference_of(refund.metadata) == request.reference), None)
            metadata = {"reference": request.reference}
            refund = known or await refunds.create_async(
                {"payment_intent": intent, "amount": request.total_minor, "metadata": metadata}, options
            )
            told = read_refund(refund)
        if told.status is RefundStatus.FAILED:
            raise GatewayRefused(told.failure_reason or "")
        return told

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:  # noqa: ARG002
        """Read the refunds and disputes of an intent."""
        async with self._call():
            refunds = await self._client.v1.refunds.list_async({"payment_intent": payment_id, "limit": LISTED})
            disputes = await self._client.v1.disputes.list_async({"payment_intent": payment_id, "limit": LISTED})
            return Reversals([read_refund(one) for one in refunds.data], [read_dispute(one) for one in disputes.data])

    async def charge(self, request: ChargeRequest) -> Payment:
        """Charge a saved method while the buyer is away; the same reference charges once within 24 hours.

        A decline, or a bank that wants to hear the buyer, is a FAILED payment with the bank's words.
        """
        options: Any = {"idempotency_key": f"charge:{request.reference}"}
        words: Any = {
            "amount": request.total_minor,
            "currency": request.currency.lower(),
            "customer": request.method.customer_id,
            "payment_method": request.method.method_id,
            "off_session": True,
            "confirm": True,
            "description": request.description,
            "metadata": {"reference": request.reference},
        }
        async with self._call():
            try:
                payment = read_intent(await self._client.v1.payment_intents.create_async(words, options))
            except stripe.CardError as declined:
                return _failed(request, _intent_of(declined), declined.user_message or str(declined))
        if payment.status is PurchaseStatus.PROCESSING:
            return _failed(request, payment.order_id, "The bank wants the buyer to confirm the payment.")
        return payment

    async def fetch_subscription(self, subscription_id: str) -> ProviderSubscription:
        """Read a subscription and its latest invoices."""
        async with self._call():
            found = await self._client.v1.subscriptions.retrieve_async(subscription_id)
            listed: Any = {"subscription": subscription_id, "limit": LISTED_INVOICES}
            return read_subscription(found, (await self._client.v1.invoices.list_async(listed)).data)

    async def cancel_subscription(self, subscription_id: str) -> ProviderSubscription:
        """End a subscription now; nothing that was paid goes back."""
        async with self._call():
            told = read_subscription(await self._client.v1.subscriptions.retrieve_async(subscription_id))
            if told.status is not SubscriptionStatus.CANCELLED:
                told = read_subscription(await self._client.v1.subscriptions.cancel_async(subscription_id))
        return told

    async def forget(self, method: SavedMethod) -> None:
        """Detach a saved method from its customer."""
        async with self._call():
            try:
                await self._client.v1.payment_methods.detach_async(method.method_id)
            except stripe.InvalidRequestError as gone:
                if gone.http_status not in _GONE:
                    raise

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age, in both directions, and signature: hex of HMAC-SHA256 over the time, a dot and the body."""
        header = headers.get("stripe-signature")
        if header is None:
            raise WebhookRejected("missing_header")
        items = [item.partition("=") for item in header.split(",")]
        timestamp = next((value for name, _, value in items if name == "t"), "")
        inbox.check_age(timestamp)
        given = [value.encode() for name, _, value in items if name == "v1"]
        expected = [sign(secret, timestamp, body) for secret in self._account.secrets]
        if not any(hmac.compare_digest(one, other) for one in given for other in expected):
            raise WebhookRejected("bad_signature")
        return read_event(body)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """Bound a call in time, and put its errors in our words."""
        with self._breaker.guard():
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    yield
            except _FINAL as error:
                raise GatewayRefused(error.user_message or str(error)) from error
            except (stripe.StripeError, TimeoutError) as error:
                raise GatewayUnavailable(f"Stripe does not answer: {type(error).__name__}.") from error
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise GatewayUnavailable("Stripe's answer can't be read.") from error

    def _session_of(self, request: OrderRequest) -> Any:  # noqa: ANN401 - Stripe's typed dictionary
        metadata = {"reference": request.reference}
        price: dict[str, Any] = {
            "currency": request.currency.lower(),
            "unit_amount": request.total_minor,
            "product_data": {"name": request.description},
        }
        begun: dict[str, Any] = {"metadata": metadata, "description": request.description}
        session: dict[str, Any] = {
            "client_reference_id": request.reference,
            "metadata": metadata,
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": self._account.return_url,
            "cancel_url": self._account.return_url,
        }
        if request.interval is not None:
            price["recurring"] = {"interval": request.interval.name.lower()}
            return session | {"mode": "subscription", "subscription_data": begun}
        if request.saves_method:
            begun["setup_future_usage"] = "off_session"
            session["customer_creation"] = "always"
        return session | {"mode": "payment", "payment_intent_data": begun}


def sign(secret: str, timestamp: str, body: bytes) -> bytes:
    """The v1 signature of a message."""
    return hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex().encode()


def read_event(body: bytes) -> WebhookEvent:
    """A message in our words: what happens to charges, refunds and disputes is told by the intent it belongs to."""
    event = inbox.read_object(body)
    type_, event_id = inbox.text(event.get("type")), inbox.text(event.get("id"))
    about = inbox.find(event, "data", "object")
    order_id, kind = inbox.find(about, "payment_intent"), EventKind.OTHER
    if type_.startswith(_SUBSCRIPTION_EVENTS):
        order_id, kind = inbox.find(about, "id"), EventKind.SUBSCRIPTION
    elif type_.startswith((_ORDER_EVENTS, _INTENT_EVENTS)) or (type_ in _INVOICE_EVENTS and _is_renewed(about)):
        order_id, kind = inbox.find(about, "id"), EventKind.PAYMENT
    elif type_.startswith(_DISPUTE_EVENTS):
        kind = EventKind.DISPUTE
    elif type_.startswith(_REFUND_EVENTS):
        kind = EventKind.REFUND
    return WebhookEvent(event_id, type_, inbox.optional_text(order_id), kind)


def _is_renewed(invoice: object) -> bool:
    """Whether an invoice is of a subscription."""
    return isinstance(invoice, dict) and subscription_of(invoice) is not None


def _failed(request: ChargeRequest, intent_id: str, reason: str) -> Payment:
    words = (request.reference, None, PurchaseStatus.FAILED, request.total_minor, request.currency, reason)
    return Payment(intent_id, *words)


def _intent_of(declined: stripe.CardError) -> str:
    """The id of the intent that was declined."""
    error = declined.json_body.get("error", {}) if isinstance(declined.json_body, dict) else {}
    return str(inbox.find(error, "payment_intent", "id") or "")
