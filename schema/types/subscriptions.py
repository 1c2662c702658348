"""Credits bought at every interval."""

from datetime import datetime

import strawberry

from schema.enums import BillingInterval, PaymentMethod, SubscriptionStatus
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt
from schema.types.nodes import Node, id_field
from schema.types.purchases import Purchase, PurchaseQuote


@published
class CreditSubscription(Node):
    """Credits that are bought at every interval, charged by the payment provider; each payment is a purchase."""

    status: SubscriptionStatus
    """Where it stands."""
    interval: BillingInterval
    """How often it is paid."""
    quote: PurchaseQuote
    """What every payment costs and gives."""
    gateway: str
    """The payment provider."""
    paid_until: datetime | None
    """The end of the period that is paid, as the provider tells it."""
    ends_at: datetime | None
    """When it ends, where the provider was told to let the paid period run out."""
    ended_at: datetime | None
    """When it ended."""
    created_at: datetime
    """When it began."""
    updated_at: datetime
    """When it last changed."""
    id: strawberry.ID = id_field("sub")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet that gets the credits."""
    first_purchase_id: strawberry.ID = id_field("pur", "first_purchase_uuid")
    """The purchase whose checkout begins it."""


@accepted
class StartSubscriptionInput:
    """A pack or a custom amount to buy at every interval: send one of the two."""

    wallet_id: strawberry.ID
    """The wallet that gets the credits."""
    pack_code: str | None = strawberry.UNSET
    """A code of `packs`."""
    amount_minor: BigInt | None = strawberry.UNSET
    """A custom amount in paise, 15,000 or more."""
    interval: BillingInterval
    """How often it is paid."""
    method: PaymentMethod
    """How the buyer pays."""
    idempotency_key: str
    """Your name for this subscription, among those of the wallet's purchases."""
    gateway: str | None = strawberry.UNSET
    """The payment provider; the first configured one by default."""


@published
class SubscriptionPayload:
    """The subscription, or why nothing was done."""

    subscription: CreditSubscription | None = None
    """The subscription after the act; null when it was refused."""
    purchase: Purchase | None = None
    """The first purchase, for startSubscription: the buyer pays at its checkoutUrl."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
