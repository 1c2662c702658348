"""What Polar's checkouts, orders, subscriptions, refunds and disputes say, in our words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from domain.purchases import PurchaseStatus
from domain.refunds import DisputeStatus, RefundStatus
from domain.subscriptions import SubscriptionStatus
from gateways import inbox
from gateways.base import Payment, ProviderDispute, ProviderRefund, ProviderSubscription, SavedMethod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER: Final = "order:"
"""Before the id of an order that came of no checkout."""

_DEFAULT_METHOD: Final = "default"
_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    "confirmed": PurchaseStatus.PENDING,
    # The checkout is through, and its order is on its way.
    "succeeded": PurchaseStatus.PENDING,
    "failed": PurchaseStatus.FAILED,
    "expired": PurchaseStatus.FAILED,
}
_PAID: Final = frozenset({"paid", "refunded", "partially_refunded"})
_RENEWALS: Final = ("subscription_cycle", "subscription_update", "subscription_meter_cycle")
_SUBSCRIPTION_STATUSES: Final = {
    "incomplete": SubscriptionStatus.PENDING,
    "trialing": SubscriptionStatus.ACTIVE,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAST_DUE,
}
"""Everything else has ended."""

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
        saved=SavedMethod(str(paid["customer_id"]), _DEFAULT_METHOD) if paid else None,
        subscription_id=paid["subscription_id"] if paid else None,
    )


def read_order(order: Mapping[str, Any]) -> Payment:
    """An order that nobody was asked about: paid for its net amount, a draft, or a renewal that was declined."""
    is_paid, status = order["status"] in _PAID, PurchaseStatus.PROCESSING
    if is_paid:
        status = PurchaseStatus.SUCCESS
    elif order["status"] == "void" or order.get("next_payment_attempt_at"):
        status = PurchaseStatus.FAILED
    metadata = {**((order["subscription"] or {}).get("metadata") or {}), **order["metadata"]}
    return Payment(
        order_id=f"{ORDER}{order['id']}",
        reference=str(metadata.get("reference", "")),
        payment_id=order["id"] if is_paid else None,
        status=status,
        total_minor=order["net_amount"],
        currency=order["currency"].upper(),
        failure_reason="The payment was declined." if status is PurchaseStatus.FAILED else None,
        is_final=is_paid or order["status"] == "void",
        subscription_id=order["subscription_id"],
        renews=renews(order),
    )


def renews(order: object) -> bool:
    """Whether an order is a later one of a subscription."""
    return inbox.find(order, "billing_reason") in _RENEWALS


def read_subscription(
    subscription: Mapping[str, Any], orders: Sequence[Mapping[str, Any]] = ()
) -> ProviderSubscription:
    """A subscription and its orders, the newest first; what is to end with its period is still active."""
    ends_at = subscription["ended_at"] or subscription["ends_at"]
    return ProviderSubscription(
        subscription_id=subscription["id"],
        reference=str(subscription["metadata"].get("reference", "")),
        status=_SUBSCRIPTION_STATUSES.get(subscription["status"], SubscriptionStatus.CANCELLED),
        paid_until=datetime.fromisoformat(subscription["current_period_end"]),
        ends_at=datetime.fromisoformat(ends_at) if ends_at else None,
        order_ids=[f"{ORDER}{order['id']}" for order in reversed(orders)],
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
