"""Stripe's sessions, intents, invoices, subscriptions, refunds and disputes in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import stripe

from domain.purchases import PurchaseStatus
from domain.refunds import DisputeStatus, RefundStatus
from domain.subscriptions import SubscriptionStatus
from gateways import inbox
from gateways.base import Payment, ProviderDispute, ProviderRefund, ProviderSubscription, SavedMethod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stripe import Dispute, Invoice, PaymentIntent, Refund, Subscription
    from stripe.checkout import Session

_SESSION_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    # Completed but not paid: a method that takes its time.
    "complete": PurchaseStatus.PENDING,
    "expired": PurchaseStatus.FAILED,
}
_REFUND_STATUSES: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
"""Everything else is on its way."""

_DISPUTE_STATUSES: Final = {
    "lost": DisputeStatus.LOST,
    "won": DisputeStatus.WON,
    # The bank asked and was satisfied, or the dispute was averted before it took the money.
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
}
_INTENT_STATUSES: Final = {
    "succeeded": PurchaseStatus.SUCCESS,
    "processing": PurchaseStatus.PENDING,
    "canceled": PurchaseStatus.FAILED,
}
_INVOICE_STATUSES: Final = {
    "paid": PurchaseStatus.SUCCESS,
    "void": PurchaseStatus.FAILED,
    "uncollectible": PurchaseStatus.FAILED,
}
_SUBSCRIPTION_STATUSES: Final = {
    "incomplete": SubscriptionStatus.PENDING,
    "trialing": SubscriptionStatus.ACTIVE,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAST_DUE,
}
"""Everything else has ended."""

_FIRST_INVOICE: Final = "subscription_create"


def read_session(session: Session) -> Payment:
    """A Checkout Session, its intent expanded: paid when its payment status says so, not when it is complete."""
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    error = intent.last_payment_error if intent else None
    if session.payment_status == "paid":
        status = PurchaseStatus.SUCCESS
    else:
        status = PurchaseStatus.FAILED if error else _SESSION_STATUSES[session.status or "open"]
    is_paid = status is PurchaseStatus.SUCCESS
    return Payment(
        order_id=session.id,
        reference=session.client_reference_id or "",
        payment_id=_paid_by(session) if is_paid else None,
        status=status,
        total_minor=session.amount_total or 0,
        currency=(session.currency or "").upper(),
        failure_reason=_reason(error) if status is PurchaseStatus.FAILED else None,
        # An open session takes another attempt; one with a method that failed late does not.
        is_final=is_paid or session.status == "expired" or (session.status == "complete" and error is not None),
        saved=_saved(intent) if intent and is_paid else None,
        card=_card(intent) if intent and is_paid else None,
        subscription_id=_id(session.subscription),
    )


def read_invoice(invoice: Invoice) -> Payment:
    """An invoice of a subscription, of any version of the API; without a subscription it has no reference."""
    said = invoice.to_dict()
    status = _INVOICE_STATUSES.get(invoice.status or "", PurchaseStatus.PROCESSING)
    is_final = status is not PurchaseStatus.PROCESSING
    if not is_final and invoice.attempt_count:
        status = PurchaseStatus.FAILED
    details = inbox.find(said, "parent", "subscription_details") or said.get("subscription_details")
    is_failed = status is PurchaseStatus.FAILED
    return Payment(
        order_id=invoice.id,
        reference=str(inbox.find(details, "metadata", "reference") or ""),
        payment_id=_intent_of(said) if status is PurchaseStatus.SUCCESS else None,
        status=status,
        total_minor=invoice.amount_paid if status is PurchaseStatus.SUCCESS else invoice.amount_due,
        currency=invoice.currency.upper(),
        failure_reason="The payment was declined." if is_failed else None,
        is_final=is_final,
        subscription_id=subscription_of(said),
        renews=invoice.billing_reason != _FIRST_INVOICE,
    )


def read_subscription(subscription: Subscription, invoices: Sequence[Invoice] = ()) -> ProviderSubscription:
    """A subscription, whose period newer versions tell with each item, and its invoices, the newest first."""
    said = subscription.to_dict()
    items = inbox.find(said, "items", "data")
    ends = [item.get("current_period_end") for item in items] if isinstance(items, list) else []
    return ProviderSubscription(
        subscription_id=subscription.id,
        reference=reference_of(subscription.metadata),
        status=_SUBSCRIPTION_STATUSES.get(subscription.status, SubscriptionStatus.CANCELLED),
        paid_until=_time(next((end for end in ends if end), said.get("current_period_end"))),
        ends_at=_time(subscription.cancel_at or subscription.ended_at),
        order_ids=[invoice.id for invoice in reversed(invoices)],
    )


def subscription_of(invoice: Mapping[str, Any]) -> str | None:
    """The subscription that an invoice says it is of: below `parent` since 2025, before that in a field of its own."""
    return _id(inbox.find(invoice, "parent", "subscription_details", "subscription") or invoice.get("subscription"))


def read_intent(intent: PaymentIntent) -> Payment:
    """A PaymentIntent; without a verdict yet it is PROCESSING, and after a decline another attempt may follow."""
    status = _INTENT_STATUSES.get(intent.status, PurchaseStatus.PROCESSING)
    is_paid, is_final = status is PurchaseStatus.SUCCESS, intent.status in {"succeeded", "canceled"}
    error = None if is_paid else intent.last_payment_error
    if intent.status == "requires_payment_method" and error:
        status = PurchaseStatus.FAILED
    return Payment(
        order_id=intent.id,
        reference=reference_of(intent.metadata),
        payment_id=intent.id if is_paid else None,
        status=status,
        total_minor=intent.amount,
        currency=intent.currency.upper(),
        failure_reason=_reason(error) if status is PurchaseStatus.FAILED else None,
        is_final=is_final,
        saved=_saved(intent) if is_paid else None,
    )


def read_refund(refund: Refund) -> ProviderRefund:
    """A refund; the bank may still give one back that had succeeded."""
    status = _REFUND_STATUSES.get(refund.status or "", RefundStatus.PENDING)
    reason = getattr(refund, "failure_reason", None) or refund.status
    return ProviderRefund(
        refund_id=refund.id,
        reference=reference_of(refund.metadata),
        total_minor=refund.amount,
        currency=refund.currency.upper(),
        status=status,
        failure_reason=f"Stripe could not refund: {reason}." if status is RefundStatus.FAILED else None,
    )


def read_dispute(dispute: Dispute) -> ProviderDispute:
    """A dispute; an inquiry that is not answered yet is an open one."""
    due_by = dispute.evidence_details.due_by
    return ProviderDispute(
        dispute_id=dispute.id,
        total_minor=dispute.amount,
        currency=dispute.currency.upper(),
        status=_DISPUTE_STATUSES.get(dispute.status, DisputeStatus.OPEN),
        reason=dispute.reason,
        respond_by=_time(due_by),
    )


def _paid_by(session: Session) -> str | None:
    """The intent that paid a session, or the first invoice of its subscription."""
    if session.payment_intent:
        return _id(session.payment_intent)
    return _intent_of(session.invoice.to_dict()) if isinstance(session.invoice, stripe.Invoice) else None


def _intent_of(invoice: Mapping[str, Any]) -> str | None:
    """The intent that paid an invoice, or the invoice itself where it was paid by other means."""
    payments = inbox.find(invoice, "payments", "data")
    paid = [one for one in payments if one.get("status") == "paid"] if isinstance(payments, list) else []
    intents = [inbox.find(one, "payment", "payment_intent") for one in paid]
    found = next(filter(None, intents), None) or invoice.get("payment_intent") or invoice["id"]
    return _id(found)


def _id(value: Any) -> str | None:  # noqa: ANN401 - an id, or the object itself where it was expanded
    found = value.get("id") if isinstance(value, dict) else getattr(value, "id", value)
    return None if found is None else str(found)


def _time(seconds: Any) -> datetime | None:  # noqa: ANN401 - of JSON
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _card(intent: PaymentIntent) -> str | None:
    """The fingerprint of the card that paid, where its method was expanded."""
    fingerprint = getattr(getattr(intent.payment_method, "card", None), "fingerprint", None)
    return None if fingerprint is None else str(fingerprint)


def _saved(intent: PaymentIntent) -> SavedMethod | None:
    """The customer and method of a payment that was made with the right to charge again."""
    ids = [getattr(value, "id", value) for value in (intent.customer, intent.payment_method)]
    if getattr(intent, "setup_future_usage", None) != "off_session" or not all(ids):
        return None
    return SavedMethod(str(ids[0]), str(ids[1]))


def _reason(error: Any) -> str:  # noqa: ANN401 - Stripe's error, or none when the time ran out
    return getattr(error, "message", None) or "The payment did not come in time."


def reference_of(metadata: Any) -> str:  # noqa: ANN401 - Stripe's mapping
    """Our reference in what we gave along."""
    return str((metadata and metadata.to_dict().get("reference")) or "")
