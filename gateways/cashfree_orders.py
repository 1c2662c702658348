"""What Cashfree is told of an order: who pays how much by which method, until when, and who gets parts of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.purchases import PaymentMethod
from gateways.cashfree_answers import rupees
from gateways.cashfree_splits import splits_body

if TYPE_CHECKING:
    from gateways.accounts import CashfreeAccount
    from gateways.base import OrderRequest

ORDER_HOURS: Final = 24
_METHODS: Final = {
    PaymentMethod.UPI.name: "upi",
    PaymentMethod.DEBIT_CARD.name: "dc",
    PaymentMethod.CREDIT_CARD.name: "cc",
    PaymentMethod.NET_BANKING.name: "nb",
    PaymentMethod.WALLET.name: "app",
}


def order_body(account: CashfreeAccount, request: OrderRequest) -> dict[str, Any]:
    """The order of a request."""
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=ORDER_HOURS)
    meta = {"return_url": account.return_url, "payment_methods": _METHODS[request.method]}
    if account.webhook_url.startswith("https://"):
        meta["notify_url"] = account.webhook_url
    order: dict[str, Any] = {
        "order_id": request.reference,
        "order_amount": rupees(request.total_minor),
        "order_currency": request.currency,
        "order_note": request.description,
        "order_expiry_time": expires_at.isoformat(),
        "customer_details": {"customer_id": request.customer, "customer_phone": account.customer_phone},
        "order_meta": meta,
    }
    return order | ({"order_splits": splits_body(request.splits)} if request.splits else {})
