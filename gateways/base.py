"""What Coffer asks of a payment provider; each provider is one file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.purchases import PurchaseStatus


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
    """What is to be paid: our reference (the idempotency key at the provider) and the total in minor units."""

    reference: str
    total_minor: int
    currency: str
    method: str
    description: str
    simulate_failure: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """The provider's order and the page where the buyer pays."""

    order_id: str
    checkout_url: str


@dataclass(frozen=True, slots=True)
class Payment:
    """What the provider says about an order when asked: the proof on which credits are granted."""

    order_id: str
    reference: str
    payment_id: str | None
    status: PurchaseStatus
    total_minor: int
    currency: str
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Part of a paid order to give back, in minor units; `reference` is the idempotency key."""

    reference: str
    order_id: str
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified message: the provider's id of it, its type and the order it speaks of, if any."""

    event_id: str
    type: str
    order_id: str | None


class Gateway(Protocol):
    """One payment provider. Calls raise GatewayRefused or GatewayUnavailable."""

    name: str

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        ...

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands."""
        ...

    async def refund(self, request: RefundRequest) -> str:
        """Give money back and return the provider's id of the refund; the same reference refunds once."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check signature and age of a message over its raw bytes; header names are lower case. WebhookRejected."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
