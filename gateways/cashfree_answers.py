"""What Cashfree's orders, mandates, refunds and disputes say, in our words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.purchases import PurchaseStatus
from domain.recharges import MethodStatus
from domain.refunds import DisputeStatus, RefundStatus
from gateways.base import Mandate, Payment, ProviderDispute, ProviderRefund
from gateways.splits import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MANDATE: Final = "mandate:"
"""Before the ids of a mandate and of its charge, which together stand for an order."""

_MANDATE_STATUSES: Final = {
    "INITIALIZED": MethodStatus.PENDING,
    "BANK_APPROVAL_PENDING": MethodStatus.PENDING,
    "ACTIVE": MethodStatus.ACTIVE,
    "ON_HOLD": MethodStatus.ACTIVE,
    "PAUSED": MethodStatus.ACTIVE,
    "CUSTOMER_PAUSED": MethodStatus.ACTIVE,
}
"""Everything else has ended; a paused one may go on, and declines what it is charged meanwhile."""

_CHARGE_STATUSES: Final = {
    "SUCCESS": PurchaseStatus.SUCCESS,
    "FAILED": PurchaseStatus.FAILED,
    "CANCELLED": PurchaseStatus.FAILED,
}
"""Everything else is announced, or on its way."""

_CLOSED: Final = frozenset({"EXPIRED", "TERMINATED"})
_REFUND_STATUSES: Final = {
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CANCELLED": RefundStatus.FAILED,
    "CANCEL": RefundStatus.FAILED,
    "FAILED": RefundStatus.FAILED,
}
"""Everything else is on its way."""

_LOST: Final = ("_MERCHANT_LOST", "_MERCHANT_ACCEPTED")
"""How the statuses of every kind of dispute end, from RETRIEVAL to ARBITRATION; the rest is undecided."""

_WON: Final = "_MERCHANT_WON"
INDIA: Final = timezone(timedelta(hours=5, minutes=30))


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
        currency=refund.get("refund_currency", "INR"),
        status=status,
        failure_reason=said if status is RefundStatus.FAILED else None,
        splits=[
            Part(str(one["vendor_id"]), paise(one["amount"]))
            for one in refund.get("refund_splits") or ()
            if one.get("amount")
        ],
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
        respond_by=respond_by if respond_by.tzinfo else respond_by.replace(tzinfo=INDIA),
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


def read_mandate(subscription: Mapping[str, Any]) -> Mandate:
    """A mandate, and the session that opens Cashfree's page for it."""
    status = _MANDATE_STATUSES.get(subscription["subscription_status"], MethodStatus.REMOVED)
    return Mandate(subscription["subscription_id"], status, subscription.get("subscription_session_id"))


def read_charge(charge: Mapping[str, Any]) -> Payment:
    """A charge of a mandate, whose id there is our reference."""
    status = _CHARGE_STATUSES.get(charge["payment_status"], PurchaseStatus.PENDING)
    failure = (charge.get("failure_details") or {}).get("failure_reason") or "The debit failed."
    return Payment(
        order_id=f"{MANDATE}{charge['subscription_id']}:{charge['payment_id']}",
        reference=str(charge["payment_id"]),
        payment_id=str(charge["cf_payment_id"]) if status is PurchaseStatus.SUCCESS else None,
        status=status,
        total_minor=paise(charge["payment_amount"]),
        currency="INR",
        failure_reason=failure if status is PurchaseStatus.FAILED else None,
    )
