"""Buying credits."""

from datetime import datetime
from typing import Any

import strawberry

from schema.enums import PaymentMethod, PurchaseStatus
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.money import money_field
from schema.types.nodes import Node, id_field


@published
class CreditPack:
    """Credits on sale for a fixed price."""

    code: str
    """Its name for packCode."""
    credits: Credits
    """What it gives, bonus included."""
    bonus_credits: Credits
    """The bonus inside."""
    price = money_field("amount_minor", "INR")
    """Before GST and platform fee."""


@published
class PurchaseQuote:
    """What a purchase costs and gives."""

    credits: Credits
    """What it gives, bonus included."""
    bonus_credits: Credits
    """The bonus inside."""
    amount = money_field("amount_minor")
    """The price of the credits."""
    gst = money_field("gst_minor")
    """GST, 18 % of the amount."""
    platform_fee = money_field("platform_fee_minor")
    """Platform fee, 2.4 % of the amount."""
    total = money_field("total_minor")
    """What the buyer pays."""


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
    refunded = money_field("refunded_minor")
    """How much of the amount was refunded or is on its way back."""

    @strawberry.field
    def subscription_id(root: strawberry.Parent[Any]) -> strawberry.ID | None:  # noqa: N805 - the row
        """The subscription that it pays for, if any."""
        return strawberry.ID(public_id("sub", root.subscription_uuid)) if root.subscription_uuid else None


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
