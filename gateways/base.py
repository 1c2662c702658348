"""What Coffer asks of a payment provider; each provider is one file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeGuard

from domain.recharges import MethodKind, MethodStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from domain.purchases import PurchaseStatus
    from domain.refunds import DisputeStatus, RefundStatus
    from domain.subscriptions import BillingInterval, SubscriptionStatus
    from gateways.splits import Part


class GatewayRefused(Exception):
    """The provider answered and said no; nothing happened there. The message is fit for the buyer."""


class GatewayUnavailable(Exception):
    """No usable answer: the call may or may not have had its effect, so ask again with the same reference."""


class WebhookRejected(Exception):
    """The message does not come from the provider, is too old, or can't be read; `reason` is a short stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What is to be paid: our reference (the idempotency key at the provider) and the total in minor units.

    `customer` is our id of who pays, letters and digits; `saves_method` asks for the right to charge again later.
    With an `interval` the order begins a subscription; `splits` of what is paid go to vendors.
    """

    reference: str
    total_minor: int
    currency: str
    method: str
    description: str
    simulate_failure: bool = False
    customer: str = ""
    saves_method: bool = False
    interval: BillingInterval | None = None
    splits: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The provider's order and the page where the buyer pays."""

    order_id: str
    checkout_url: str


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A payment method that the buyer let us charge again, by the provider's ids of customer and method."""

    customer_id: str
    method_id: str
    kind: MethodKind = MethodKind.DIRECT


@dataclass(frozen=True, slots=True)
class Payment:
    """What the provider says about an order when asked: the proof on which credits are granted.

    `card` is the provider's fingerprint of the card, the same for every customer that pays with it.
    `is_final` is False while the buyer may still pay, even though the last attempt may have failed.
    A payment of a subscription has its id and the reference of its first order; `renews` says that it is a later one.
    """

    order_id: str
    reference: str
    payment_id: str | None
    status: PurchaseStatus
    total_minor: int
    currency: str
    failure_reason: str | None = None
    is_final: bool = True
    saved: SavedMethod | None = None
    card: str | None = None
    subscription_id: str | None = None
    renews: bool = False


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Part of a paid order to give back, in minor units; `reference` is the idempotency key.

    `splits` of it are taken back from vendors, the rest from the project.
    """

    reference: str
    order_id: str
    total_minor: int
    currency: str
    payment_id: str | None = None
    splits: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund as the provider tells it, in minor units; `reference` is ours if we asked, `splits` are of vendors."""

    refund_id: str
    reference: str
    total_minor: int
    currency: str
    status: RefundStatus
    failure_reason: str | None = None
    splits: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """A dispute as the provider tells it, in minor units; `respond_by` is when it is lost without an answer."""

    dispute_id: str
    total_minor: int
    currency: str
    status: DisputeStatus
    reason: str | None = None
    respond_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reversals:
    """Everything that goes back, or may go back, of one payment."""

    refunds: Sequence[ProviderRefund] = ()
    disputes: Sequence[ProviderDispute] = ()


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A charge of a saved method without the buyer, in minor units; `reference` is the idempotency key."""

    reference: str
    total_minor: int
    currency: str
    method: SavedMethod
    description: str


@dataclass(frozen=True, slots=True)
class MandateRequest:
    """The right to debit a customer on demand, at most so much at once; `reference` is the idempotency key."""

    reference: str
    limit_minor: int
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """How a mandate stands, and while it is PENDING the page where the customer approves it."""

    mandate_id: str
    status: MethodStatus
    approval_url: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderSubscription:
    """How a subscription stands; `reference` is its first order's, `order_ids` are the latest, the oldest first."""

    subscription_id: str
    reference: str
    status: SubscriptionStatus
    paid_until: datetime | None = None
    ends_at: datetime | None = None
    order_ids: Sequence[str] = ()


class EventKind(StrEnum):
    """What a message is about, whatever its provider calls it."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    SUBSCRIPTION = "subscription"
    PAYOUT = "payout"
    MANDATE = "mandate"
    VENDOR = "vendor"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified message: the provider's id and type, what it is about, and which order, subscription or transfer."""

    event_id: str
    type: str
    order_id: str | None
    kind: EventKind = EventKind.PAYMENT


class Gateway(Protocol):
    """One payment provider. Calls raise GatewayRefused or GatewayUnavailable.

    A merchant of record sells in its own name: it adds its own tax, so our GST and fee are not charged on top.
    """

    name: str
    is_merchant_of_record: bool

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        ...

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands."""
        ...

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back; the same reference refunds once. One that failed at once is GatewayRefused."""
        ...

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:
        """Read what became of a payment after it was made; `references` of refunds are for those that list none."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check signature and age of a message over its raw bytes; header names are lower case. WebhookRejected."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class OffSessionGateway(Gateway, Protocol):
    """A provider that can charge a saved method while the buyer is away.

    `saves_at_purchase` says whether a purchase can leave such a method behind.
    """

    saves_at_purchase: bool

    async def charge(self, request: ChargeRequest) -> Payment:
        """Charge; the same reference charges once. A decline is a FAILED payment, not a GatewayRefused."""
        ...

    async def forget(self, method: SavedMethod) -> None:
        """Let go of the right to charge a method; one that is gone already is no error."""
        ...


class MandateGateway(OffSessionGateway, Protocol):
    """A provider that debits by a mandate, which the customer approves apart from any purchase."""

    async def create_mandate(self, request: MandateRequest) -> Mandate:
        """Ask for a mandate; the same reference gives the same one."""
        ...

    async def fetch_mandate(self, mandate_id: str) -> Mandate:
        """Read how a mandate stands."""
        ...


class SubscribingGateway(Gateway, Protocol):
    """A provider that charges a buyer again at every interval, out of those that it offers."""

    intervals: Collection[BillingInterval]

    async def fetch_subscription(self, subscription_id: str) -> ProviderSubscription:
        """Read how a subscription stands, with its latest orders."""
        ...

    async def cancel_subscription(self, subscription_id: str) -> ProviderSubscription:
        """End a subscription now, so that nothing is charged any more; one that has ended stays so."""
        ...


def sells_subscriptions(gateway: Gateway) -> TypeGuard[SubscribingGateway]:
    """Whether a provider has subscriptions."""
    return hasattr(gateway, "fetch_subscription")


def has_mandates(gateway: Gateway) -> TypeGuard[MandateGateway]:
    """Whether a provider debits by mandates that are approved apart."""
    return hasattr(gateway, "create_mandate")


def charges_alone(gateway: Gateway) -> TypeGuard[OffSessionGateway]:
    """Whether a provider can charge a saved method."""
    return hasattr(gateway, "charge")
