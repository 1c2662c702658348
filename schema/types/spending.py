"""Spending, granting and holding."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.lots import DEFAULT_PRIORITY
from schema.enums import LotSource
from schema.errors import UserError, user_error
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.wallets import CreditTransaction, Wallet


@accepted
class ConsumeInput:
    """A spend: the feature's price times the quantity."""

    wallet_id: strawberry.ID
    """The wallet that pays."""
    feature: str
    """A feature of `pricing`."""
    quantity: BigInt | None = BigInt(1)
    """Units; they multiply the price and count against caps."""
    expected_credits: Credits | None = strawberry.UNSET
    """Refuse the spend unless it costs exactly this."""
    idempotency_key: str
    """Your name for this spend: sending it again changes nothing and gives the first result."""
    member: str | None = strawberry.UNSET
    """Who in your product caused it."""
    metadata: JSON | None = strawberry.UNSET
    """A JSON object of at most 4,096 bytes to keep with the transaction."""


@published
class ConsumePayload:
    """The spend and the wallet after it, or why it was refused."""

    transaction: CreditTransaction | None = None
    """The movement; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    replayed: bool = False
    """Whether this key was known, so that nothing moved now."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class ConsumeBatchPayload:
    """One result for each input, in the same order."""

    results: list[ConsumePayload]
    """What became of each input."""


@accepted
class GrantInput:
    """Credits to give, as a lot of their own."""

    wallet_id: strawberry.ID
    """The wallet that gets them."""
    credits: Credits
    """How many, 1 or more."""
    reason: str
    """Why; kept with the transaction."""
    idempotency_key: str
    """Your name for this grant."""
    source: LotSource | None = LotSource.BONUS
    """What the credits are; purchased ones come from purchases alone."""
    priority: int | None = DEFAULT_PRIORITY
    """Lower is used first, 0 to 1,000; purchased credits have 100."""
    effective_at: datetime | None = strawberry.UNSET
    """From when they can be used; until then they are pending."""
    expires_at: datetime | None = strawberry.UNSET
    """When what is left of them ends; else never."""


@accepted
class AdjustInput:
    """A correction by hand."""

    wallet_id: strawberry.ID
    """The wallet."""
    credits: Credits
    """Positive gives credits, negative takes them."""
    reason: str
    """Why; kept with the transaction."""
    idempotency_key: str
    """Your name for this correction."""


@published
class GrantPayload:
    """The movement and the wallet after it, or why it was refused."""

    transaction: CreditTransaction | None = None
    """The movement; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    replayed: bool = False
    """Whether this key was known, so that nothing moved now."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class SpendEstimate:
    """What a spend would cost now, and whether it would be accepted."""

    feature: str
    """The feature that was asked about."""
    credits: Credits
    """The price times the quantity."""
    available_credits: Credits
    """What is there now."""
    balance_after: Credits
    """What would be there after it."""
    accepted: bool
    """Whether the spend would be accepted now."""

    @strawberry.field
    def error(root: strawberry.Parent[Any]) -> UserError | None:  # noqa: N805 - the row
        """The refusal that the spend would meet."""
        return None if root.error is None else user_error(root.error)
