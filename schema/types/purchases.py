"""Buying credits."""

from datetime import datetime
from typing import Any

import strawberry

from domain.money import format_money
from schema.enums import PaymentMethod, PurchaseStatus
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import Node, id_field


@published
class Money:
    """An amount of money."""

    amount_minor: BigInt
    """In the currency's smallest unit, such as paise."""
    currency: str
    """ISO 4217."""

    @strawberry.field
    def formatted(self) -> str:
        """For people: ₹602.00."""
        return format_money(self.amount_minor, self.currency)


@published
class CreditPack:
    """Credits on sale for a fixed price."""

    code: str
    """Its name for packCode."""
    credits: Credits
    """What it gives, bonus included."""
    bonus_credits: Credits
    """The bonus inside."""

    @strawberry.field
    def price(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """Before GST and platform fee."""
        return Money(amount_minor=root.amount_minor, currency="INR")


@published
class PurchaseQuote:
    """What a purchase costs and gives."""

    credits: Credits
    """What it gives, bonus included."""
    bonus_credits: Credits
    """The bonus inside."""

    @strawberry.field
    def amount(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """The price of the credits."""
        return Money(amount_minor=root.amount_minor, currency=root.currency)

    @strawberry.field
    def gst(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """GST, 18 % of the amount."""
        return Money(amount_minor=root.gst_minor, currency=root.currency)

    @strawberry.field
    def platform_fee(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """Platform fee, 2.4 % of the amount."""
        return Money(amount_minor=root.platform_fee_minor, currency=root.currency)

    @strawberry.field
    def total(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """What the buyer pays."""
        return Money(amount_minor=root.total_minor, currency=root.currency)


@published
class Purchase(Node):
    """One attempt to buy credits."""

    status: PurchaseStatus
    """Where it stands."""
    quote: PurchaseQuote
    """What the buyer accepted."""
    method: PaymentMethod | None
    """How the buyer pays."""
    gateway: str
    """The payment provider."""
    checkout_url: str | None
    """The provider's page where the buyer pays."""
    failure_reason: str | None
    """Why it failed."""
    created_at: datetime
    """When it began."""
    updated_at: datetime
    """When it last changed."""
    id: strawberry.ID = id_field("pur")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet that gets the credits."""

    @strawberry.field
    def refunded(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """How much of the amount was refunded or is on its way back."""
        return Money(amount_minor=root.refunded_minor, currency=root.currency)


@accepted
class PurchaseInput:
    """A purchase of a pack or of a custom amount: send one of the two."""

    wallet_id: strawberry.ID
    """The wallet that gets the credits."""
    pack_code: str | None = strawberry.UNSET
    """A code of `packs`."""
    amount_minor: BigInt | None = strawberry.UNSET
    """A custom amount in paise, 15,000 or more."""
    method: PaymentMethod
    """How the buyer pays."""
    idempotency_key: str
    """Your name for this purchase."""
    gateway: str | None = strawberry.UNSET
    """The payment provider; the first configured one by default."""
    simulate_failure: bool | None = False
    """Let the simulated provider fail the first attempt."""
    save_method: bool | None = False
    """Let Coffer charge the method again, for auto-recharge: see `savedMethods`."""


@published
class PurchasePayload:
    """The purchase, or why there is none."""

    purchase: Purchase | None = None
    """The purchase after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
