"""The simulated provider, from Coffer's side: an HTTP client and a webhook verifier, like any other provider's."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
from standardwebhooks import Webhook

from domain.payouts import BeneficiaryStatus, PayoutStatus
from domain.purchases import PurchaseStatus
from domain.recharges import MethodKind
from domain.refunds import DisputeStatus, RefundStatus
from domain.subscriptions import BillingInterval, SubscriptionStatus
from gateways import inbox
from gateways.base import (
    ChargeRequest,
    EventKind,
    GatewayRefused,
    Order,
    OrderRequest,
    Payment,
    ProviderDispute,
    ProviderRefund,
    ProviderSubscription,
    RefundRequest,
    Reversals,
    SavedMethod,
    WebhookEvent,
)
from gateways.calls import Calls, read_json, readable
from gateways.payouts import Transfer
from gateways.simulated_movements import SimulatedMovements
from gateways.simulated_splits import SimulatedSplits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from gateways.movements import Movements
    from gateways.payouts import NewBeneficiary, TransferRequest
    from gateways.splits import Splits

_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    "pending": PurchaseStatus.PENDING,
    "paid": PurchaseStatus.SUCCESS,
    "failed": PurchaseStatus.FAILED,
    "refunded": PurchaseStatus.SUCCESS,
    "partially_refunded": PurchaseStatus.SUCCESS,
}


_SUBSCRIPTION_STATUSES: Final = {
    "incomplete": SubscriptionStatus.PENDING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "cancelled": SubscriptionStatus.CANCELLED,
}
_KINDS: Final = {
    "refund": EventKind.REFUND,
    "dispute": EventKind.DISPUTE,
    "subscription": EventKind.SUBSCRIPTION,
    "transfer": EventKind.PAYOUT,
}
_TRANSFERS: Final = {
    "pending": PayoutStatus.PENDING,
    "sent": PayoutStatus.SUCCEEDED,
    "failed": PayoutStatus.FAILED,
    "reversed": PayoutStatus.REVERSED,
}


def merchant_key(secret: str) -> str:
    """Derive the merchant's bearer key from the webhook secret, which itself never travels."""
    return hmac.digest(secret.encode(), b"merchant key", "sha256").hex()


class SimulatedGateway:
    """Calls the provider at `base_url`; `secrets` are the webhook secrets in force, the newest first."""

    name = "simulated"
    is_merchant_of_record = False
    saves_at_purchase = True
    intervals = frozenset(BillingInterval)

    def __init__(self, base_url: str, secrets: Sequence[str]) -> None:
        # The library refuses an empty secret here, so verification fails closed.
        self._verifiers = [Webhook(secret.encode()) for secret in secrets]
        self._calls = Calls(self.name, base_url, {"authorization": f"Bearer {merchant_key(secrets[0])}"})
        self.splits: Splits = SimulatedSplits(self._call)
        self.movements: Movements = SimulatedMovements(self._call)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        body = {
            "reference": request.reference,
            "amount_minor": request.total_minor,
            "currency": request.currency,
            "method": request.method,
            "fails": request.simulate_failure,
            "saves_method": request.saves_method,
            "renews": request.interval.name.lower() if request.interval else None,
        }
        answer = await self._call("POST", "/simulated/orders", body)
        with readable():
            return Order(answer["id"], answer["checkout_url"])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands."""
        answer = await self._call("GET", f"/simulated/orders/{quote(order_id, safe='')}")
        with readable():
            return _payment(answer)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back; the same reference refunds once."""
        body = {"reference": request.reference, "amount_minor": request.total_minor}
        answer = await self._call("POST", f"/simulated/orders/{quote(request.order_id, safe='')}/refunds", body)
        with readable():
            return _refund(answer)

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:  # noqa: ARG002
        """Read the refunds and the dispute of an order."""
        answer = await self._call("GET", f"/simulated/orders/{quote(order_id, safe='')}")
        with readable():
            return Reversals([_refund(one) for one in answer["refunds"]], [_dispute(one) for one in answer["disputes"]])

    async def charge(self, request: ChargeRequest) -> Payment:
        """Charge a saved method; the same reference charges once."""
        body = {
            "reference": request.reference,
            "amount_minor": request.total_minor,
            "currency": request.currency,
            "saved_method": request.method.method_id,
        }
        answer = await self._call("POST", "/simulated/charges", body)
        with readable():
            return _payment(answer)

    async def fetch_subscription(self, subscription_id: str) -> ProviderSubscription:
        """Read how a subscription stands."""
        answer = await self._call("GET", f"/simulated/subscriptions/{quote(subscription_id, safe='')}")
        with readable():
            return _subscription(answer)

    async def cancel_subscription(self, subscription_id: str) -> ProviderSubscription:
        """End a subscription."""
        answer = await self._call("DELETE", f"/simulated/subscriptions/{quote(subscription_id, safe='')}")
        with readable():
            return _subscription(answer)

    async def forget(self, method: SavedMethod) -> None:
        """Let go of a saved method."""
        await self._call("DELETE", f"/simulated/methods/{quote(method.method_id, safe='')}")

    async def create_beneficiary(self, wanted: NewBeneficiary) -> BeneficiaryStatus:
        """Make an account known; the same reference makes it once."""
        account = wanted.details.vpa or wanted.details.account_number
        body = {"reference": wanted.reference, "name": wanted.name, "account": account}
        await self._call("POST", "/simulated/beneficiaries", body)
        return BeneficiaryStatus.VERIFIED

    async def send_transfer(self, request: TransferRequest) -> Transfer:
        """Send money; the same reference sends it once."""
        body = {
            "reference": request.reference,
            "beneficiary": request.beneficiary,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
        }
        answer = await self._call("POST", "/simulated/transfers", body)
        with readable():
            return _transfer(answer)

    async def fetch_transfer(self, reference: str) -> Transfer:
        """Read how a transfer stands."""
        answer = await self._call("GET", f"/simulated/transfers/{quote(reference, safe='')}")
        with readable():
            return _transfer(answer)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and Standard Webhooks signature (any secret in force), then read the event."""
        event_id = inbox.check_standard(self._verifiers, headers, body)
        event = inbox.read_object(body)
        kind = inbox.text(event.get("type"))
        order_id = inbox.optional_text(inbox.find(event, "data", "order_id"))
        about = _KINDS.get(kind.partition(".")[0], EventKind.PAYMENT)
        return WebhookEvent(inbox.text(event_id), kind, order_id, about)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call; every call is idempotent by its reference."""
        answer = await self._calls.send(method, path, json=body)
        if not answer.is_success:
            raise GatewayRefused(_read_refusal(answer))
        with readable():
            return dict(read_json(answer))


def _payment(answer: Mapping[str, Any]) -> Payment:
    status, kind = _STATUSES[answer["status"]], answer.get("saved")
    subscription = answer.get("subscription") or {}
    return Payment(
        order_id=answer["id"],
        reference=subscription.get("reference", answer["reference"]),
        payment_id=f"pay_{answer['id']}" if status is PurchaseStatus.SUCCESS else None,
        status=status,
        total_minor=answer["amount_minor"],
        currency=answer["currency"],
        failure_reason=answer["failure_reason"],
        saved=SavedMethod("", answer["id"], MethodKind[kind]) if kind else None,
        subscription_id=subscription.get("id"),
        renews=subscription.get("id", answer["id"]) != answer["id"],
    )


def _subscription(answer: Mapping[str, Any]) -> ProviderSubscription:
    return ProviderSubscription(
        subscription_id=answer["id"],
        reference=answer["reference"],
        status=_SUBSCRIPTION_STATUSES[answer["status"]],
        paid_until=datetime.fromisoformat(answer["paid_until"]) if answer["paid_until"] else None,
        order_ids=answer["orders"],
    )


def _transfer(answer: Mapping[str, Any]) -> Transfer:
    return Transfer(
        reference=answer["reference"],
        transfer_id=f"simtrf_{answer['reference']}",
        amount_minor=answer["amount_minor"],
        status=_TRANSFERS[answer["status"]],
        utr=f"SIM{answer['reference'][:12].upper()}" if answer["status"] in {"sent", "reversed"} else None,
        failure_reason=answer["failure_reason"],
    )


def _refund(answer: Mapping[str, Any]) -> ProviderRefund:
    words = (answer["id"], answer["reference"], answer["amount_minor"], answer["currency"])
    return ProviderRefund(*words, status=RefundStatus.SUCCEEDED)


def _dispute(answer: Mapping[str, Any]) -> ProviderDispute:
    words = (answer["id"], answer["amount_minor"], answer["currency"])
    return ProviderDispute(*words, status=DisputeStatus[answer["status"].upper()], reason="Simulated.")


def _read_refusal(answer: httpx.Response) -> str:
    try:
        return str(orjson.loads(answer.content)["error"])
    except (ValueError, LookupError, TypeError):
        return f"The provider refused (status {answer.status_code})."
