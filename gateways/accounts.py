"""Our accounts at the providers: what each gateway needs to know, secrets included, so none of it is ever printed.

`secrets` are those in force, the newest first: during a rotation messages under the previous one are good, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.subscriptions import BillingInterval

CASHFREE_URLS: Final = {"sandbox": "https://sandbox.cashfree.com/pg", "production": "https://api.cashfree.com/pg"}
CASHFREE_PAYOUTS_URLS: Final = {
    "sandbox": "https://sandbox.cashfree.com/payout",
    "production": "https://api.cashfree.com/payout",
}
POLAR_URLS: Final = {"sandbox": "https://sandbox-api.polar.sh", "production": "https://api.polar.sh"}
STRIPE_URL: Final = "https://api.stripe.com"

PLACEHOLDER_PHONE: Final = "9999999999"
"""Cashfree's orders need a phone; its description allows a made-up one where the buyer's is not known."""


@dataclass(frozen=True, slots=True)
class CashfreeAccount:
    """An account at Cashfree, whose client secrets sign its webhooks as well.

    `checkout_url` is our page that opens the checkout, `return_url` where buyers go afterwards.
    """

    client_id: str
    secrets: Sequence[str] = field(repr=False)
    base_url: str
    environment: str
    checkout_url: str
    return_url: str
    webhook_url: str
    customer_phone: str = PLACEHOLDER_PHONE


@dataclass(frozen=True, slots=True)
class CashfreePayoutsAccount:
    """An account at Cashfree Payouts, whose credentials are not those of the payments."""

    client_id: str
    secrets: Sequence[str] = field(repr=False)
    base_url: str


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """An account at Stripe; `secrets` are those of its webhook endpoint."""

    secret_key: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    base_url: str
    return_url: str


@dataclass(frozen=True, slots=True)
class PolarAccount:
    """An organisation at Polar; `product_id` is the product that credits are sold under, at a price of each order.

    `subscription_products` are those that subscriptions are sold under, one for each interval that is offered.
    `charges_saved` says that Polar lets the organisation charge saved methods, which it has to be asked for.
    """

    access_token: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    base_url: str
    product_id: str
    return_url: str
    charges_saved: bool = False
    subscription_products: Mapping[BillingInterval, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayAccounts:
    """Every account of this process. The simulated provider is for processes without a real one."""

    cashfree: CashfreeAccount | None = None
    stripe: StripeAccount | None = None
    polar: PolarAccount | None = None
    has_simulated: bool = True
    cashfree_payouts: CashfreePayoutsAccount | None = None
