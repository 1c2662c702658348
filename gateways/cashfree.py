"""Cashfree Payments (India): orders that are paid on Cashfree's checkout, refunds, webhooks; API of 2025-01-01."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from domain.recharges import debit_day
from domain.refunds import RefundStatus
from gateways import inbox
from gateways.base import (
    ChargeRequest,
    EventKind,
    GatewayRefused,
    Mandate,
    MandateRequest,
    Order,
    OrderRequest,
    Payment,
    ProviderRefund,
    RefundRequest,
    Reversals,
    SavedMethod,
    WebhookEvent,
)
from gateways.calls import Calls, readable
from gateways.cashfree_answers import (
    MANDATE,
    read_charge,
    read_dispute,
    read_mandate,
    read_payment,
    read_refund,
    rupees,
)
from gateways.cashfree_calls import check_signature, checked, headers_of
from gateways.cashfree_movements import CashfreeMovements
from gateways.cashfree_orders import order_body
from gateways.cashfree_splits import CashfreeSplits, splits_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateways.accounts import CashfreeAccount
    from gateways.movements import Movements
    from gateways.splits import Splits

API_VERSION: Final = "2025-01-01"
SDK_URL: Final = "https://sdk.cashfree.com/js/v3/cashfree.js"
"""Cashfree's own script, which opens its checkout: there is no address to send a buyer to."""


_KNOWN: Final = frozenset({400, 409, 422})
"""The thing of this id may exist (409 for orders, 400 for mandates), or the key came with another body: look for it."""

_NOT_FOUND: Final = 404
_GONE: Final = frozenset({400, 404})
"""A mandate that has ended can't be cancelled."""

_DEBIT_REFUND_EVENT: Final = "SUBSCRIPTION_REFUND_STATUS"
"""It names the payment of the debit, not the mandate."""

_REFUND_EVENTS: Final = frozenset({"REFUND_STATUS_WEBHOOK", "AUTO_REFUND_STATUS_WEBHOOK", _DEBIT_REFUND_EVENT})

_MANDATE_EVENTS: Final = frozenset(
    {"SUBSCRIPTION_STATUS_CHANGED", "SUBSCRIPTION_STATUS_CHANGE", "SUBSCRIPTION_AUTH_STATUS"}
)
_CHARGE_EVENTS: Final = (
    "SUBSCRIPTION_PAYMENT_SUCCESS",
    "SUBSCRIPTION_PAYMENT_FAILED",
    "SUBSCRIPTION_PAYMENT_CANCELLED",
)
_VENDOR_EVENT: Final = "VENDOR_STATUS_UPDATE"
_PAYMENT_EVENTS: Final = frozenset(
    {"PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_FAILED_WEBHOOK", "PAYMENT_USER_DROPPED_WEBHOOK", "PAYMENT_CHARGES_WEBHOOK"}
)


class CashfreeGateway:
    """Talks to Cashfree; our reference is the order's id there, so a repeated call finds the same order."""

    name = "cashfree"
    is_merchant_of_record = False
    saves_at_purchase = False

    def __init__(self, account: CashfreeAccount) -> None:
        self._account = account
        headers = headers_of(account.client_id, account.secrets[0], API_VERSION)
        self._calls = Calls(self.name, account.base_url, headers)
        self.splits: Splits = CashfreeSplits(self._calls)
        self.movements: Movements = CashfreeMovements(self._calls)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        order = await self._create(
            "/orders", request.reference, order_body(self._account, request), f"/orders/{_safe(request)}"
        )
        with readable():
            return Order(order["order_id"], f"{self._account.checkout_url}#{order['payment_session_id']}")

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands, and its payments."""
        if order_id.startswith(MANDATE):
            return await self._read_charge(order_id)
        path = f"/orders/{quote(order_id, safe='')}"
        order = await self._read(path)
        attempts = await self._read(f"{path}/payments")
        with readable():
            return read_payment(order, attempts)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back; the same reference refunds once."""
        body: dict[str, Any] = {
            "refund_amount": rupees(request.total_minor),
            "refund_id": request.reference,
            "refund_note": "Refund of credits",
        }
        path = f"/orders/{quote(request.order_id, safe='')}/refunds"
        if request.order_id.startswith(MANDATE):
            # Which speed there is depends on how the mandate debits, so Cashfree chooses.
            mandate, charge = _debit(request.order_id)
            path = f"/subscriptions/{quote(mandate, safe='')}/refunds"
            body |= {"subscription_id": mandate, "payment_id": charge}
        else:
            body["refund_speed"] = "STANDARD"
            body |= {"refund_splits": splits_body(request.splits)} if request.splits else {}
        refund = await self._create(path, request.reference, body, f"{path}/{quote(request.reference, safe='')}")
        with readable():
            made = read_refund(refund)
        if made.status is RefundStatus.FAILED:
            raise GatewayRefused(made.failure_reason or "")
        return made

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:
        """Read the refunds and disputes of one of an order's payments; of a mandate's debit, the refunds one by one."""
        if order_id.startswith(MANDATE):
            mandate, _ = _debit(order_id)
            found = [await self._find(f"/subscriptions/{quote(mandate, safe='')}/refunds/{one}") for one in references]
            with readable():
                return Reversals([read_refund(refund) for refund in found if refund is not None])
        refunds = await self._read(f"/orders/{quote(order_id, safe='')}/refunds")
        disputes = await self._read(f"/payments/{quote(payment_id, safe='')}/disputes")
        with readable():
            mine = [refund for refund in refunds if str(refund["cf_payment_id"]) == payment_id]
            return Reversals([read_refund(refund) for refund in mine], [read_dispute(one) for one in disputes])

    async def create_mandate(self, request: MandateRequest) -> Mandate:
        """Ask for the right to debit on demand; the same reference gives the same mandate."""
        path, meta = "/subscriptions", {"return_url": self._account.return_url}
        body = {
            "subscription_id": request.reference,
            "customer_details": {"customer_email": request.email, "customer_phone": request.phone},
            "plan_details": {
                "plan_name": "Credits on demand",
                "plan_type": "ON_DEMAND",
                "plan_currency": "INR",
                "plan_max_amount": rupees(request.limit_minor),
            },
            "authorization_details": {"authorization_amount": 1, "authorization_amount_refund": True},
            "subscription_meta": meta,
        }
        made = await self._create(path, request.reference, body, f"{path}/{quote(request.reference, safe='')}")
        with readable():
            mandate = read_mandate(made)
            return replace(mandate, approval_url=f"{self._account.checkout_url}#sub:{mandate.approval_url}")

    async def fetch_mandate(self, mandate_id: str) -> Mandate:
        """Read how a mandate stands."""
        found = await self._read(f"/subscriptions/{quote(mandate_id, safe='')}")
        with readable():
            return replace(read_mandate(found), approval_url=None)

    async def charge(self, request: ChargeRequest) -> Payment:
        """Announce a debit of a mandate, which comes on the day after the notice; the same reference debits once."""
        body = {
            "subscription_id": request.method.method_id,
            "payment_id": request.reference,
            "payment_type": "CHARGE",
            "payment_amount": rupees(request.total_minor),
            "payment_schedule_date": debit_day(datetime.now(UTC)),
            "payment_remarks": request.description,
        }
        known = self._charge_path(request.method.method_id, request.reference)
        made = await self._create("/subscriptions/pay", request.reference, body, known)
        with readable():
            return read_charge(made)

    async def forget(self, method: SavedMethod) -> None:
        """Cancel a mandate."""
        path, body = f"/subscriptions/{quote(method.method_id, safe='')}/manage", {"action": "CANCEL"}
        answer = await self._calls.send(
            "POST", path, content=orjson.dumps(body | {"subscription_id": method.method_id})
        )
        if answer.status_code not in _GONE:
            checked(answer)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and signature: base64 of HMAC-SHA256, by the client secret, of the timestamp before the body."""
        check_signature(self._account.secrets, headers, body)
        return read_event(body)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _create(self, path: str, reference: str, body: dict[str, Any], known_path: str) -> Any:  # noqa: ANN401 - JSON
        """Post under our reference as idempotency key; what is there already under that id is read."""
        headers = {"x-idempotency-key": str(uuid5(NAMESPACE_URL, f"{path}/{reference}"))}
        answer = await self._calls.send("POST", path, content=orjson.dumps(body), headers=headers)
        known = await self._find(known_path) if answer.status_code in _KNOWN else None
        return checked(answer) if known is None else known

    async def _read_charge(self, order_id: str) -> Payment:
        found = await self._read(self._charge_path(*_debit(order_id)))
        with readable():
            return read_charge(found)

    @staticmethod
    def _charge_path(mandate: str, reference: str) -> str:
        return f"/subscriptions/{quote(mandate, safe='')}/payments/{quote(reference, safe='')}"

    async def _read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = await self._calls.send("GET", path)
        return checked(answer)

    async def _find(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The same, or None when it is not there."""
        answer = await self._calls.send("GET", path)
        return None if answer.status_code == _NOT_FOUND else checked(answer)


def read_event(body: bytes) -> WebhookEvent:
    """A message in our words. It has no id of its own, so what it tells is its id: one event tells it once."""
    event = inbox.read_object(body)
    type_ = inbox.text(event.get("type"))
    kind, order_id, told = _told(type_, event.get("data"), event.get("event_time"))
    # Ids come as texts in some messages and as numbers in others.
    about = ":".join(map(str, told)) if told and None not in told else sha256(body).hexdigest()
    return WebhookEvent(inbox.text(f"{type_}:{about}"), type_, inbox.optional_text(order_id), kind)


def _told(type_: str, data: object, at: object) -> tuple[EventKind, object, tuple[object, ...]]:
    """What a message is about, the id that it names, and what makes it another message than the one before."""
    if type_ in _REFUND_EVENTS:
        refund = inbox.find(data, "refund") or inbox.find(data, "auto_refund") or data
        payment = inbox.find(refund, "cf_payment_id") if type_ == _DEBIT_REFUND_EVENT else None
        told = (inbox.find(refund, "cf_refund_id"), inbox.find(refund, "refund_status"))
        return EventKind.REFUND, inbox.find(refund, "order_id") if payment is None else str(payment), told
    if type_.startswith(_CHARGE_EVENTS):
        mandate, charge = inbox.find(data, "subscription_id"), inbox.find(data, "payment_id")
        told = (inbox.find(data, "cf_payment_id"), inbox.find(data, "payment_status"))
        return EventKind.PAYMENT, f"{MANDATE}{inbox.text(mandate)}:{inbox.text(charge)}", told
    if type_ in _MANDATE_EVENTS:
        mandate = inbox.find(data, "subscription_details", "subscription_id") or inbox.find(data, "subscription_id")
        return EventKind.MANDATE, mandate, (mandate, at)
    if type_ in _PAYMENT_EVENTS:
        payment = inbox.find(data, "payment")
        told = (inbox.find(payment, "cf_payment_id"), inbox.find(payment, "payment_status"))
        return EventKind.PAYMENT, inbox.find(data, "order", "order_id"), told
    if type_ == _VENDOR_EVENT:
        vendor = inbox.find(data, "merchant_vendor_id")
        return EventKind.VENDOR, vendor, (vendor, inbox.find(data, "updated_status"), at)
    is_dispute = type_.startswith("DISPUTE_")
    order_id = inbox.find(data, "order_details" if is_dispute else "order", "order_id")
    return EventKind.DISPUTE if is_dispute else EventKind.OTHER, order_id, ()


def _debit(order_id: str) -> tuple[str, str]:
    """The mandate and the charge that stand for an order."""
    mandate, _, charge = order_id.removeprefix(MANDATE).partition(":")
    return mandate, charge


def _safe(request: OrderRequest) -> str:
    return quote(request.reference, safe="")
