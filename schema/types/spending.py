"""Spending, granting and holding."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.holds import HoldStatus
from schema.context import Info
from schema.errors import UserError, user_error
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.wallets import CreditTransaction, Node, Wallet


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
    wallet: Wallet | None = None
    replayed: bool = False
    """Whether this key was known, so that nothing moved now."""
    errors: list[UserError]


@published
class ConsumeBatchPayload:
    """One result for each input, in the same order."""

    results: list[ConsumePayload]


@accepted
class GrantInput:
    """Bonus credits."""

    wallet_id: strawberry.ID
    """The wallet that gets them."""
    credits: Credits
    """How many, 1 or more."""
    reason: str
    """Why; kept with the transaction."""
    idempotency_key: str
    """Your name for this grant."""


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
    wallet: Wallet | None = None
    replayed: bool = False
    """Whether this key was known, so that nothing moved now."""
    errors: list[UserError]


@published
class SpendEstimate:
    """What a spend would cost now, and whether it would be accepted."""

    feature: str
    credits: Credits
    """The price times the quantity."""
    available_credits: Credits
    """What is there now."""
    balance_after: Credits
    """What would be there after it."""
    accepted: bool

    @strawberry.field
    def error(root: strawberry.Parent[Any]) -> UserError | None:  # noqa: N805 - the row
        """The refusal that the spend would meet."""
        return None if root.error is None else user_error(root.error)


@published
class Hold(Node):
    """Credits set aside for work whose price is known only when it is done."""

    credits: Credits
    """How many were set aside."""
    captured: Credits
    """How many of them were spent."""
    expires_at: datetime
    """When what is left goes back by itself."""
    uuid: strawberry.Private[UUID]
    wallet_uuid: strawberry.Private[UUID]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Names the object among all objects."""
        return strawberry.ID(public_id("hold", self.uuid))

    @strawberry.field
    def wallet_id(self) -> strawberry.ID:
        """The wallet."""
        return strawberry.ID(public_id("wal", self.wallet_uuid))

    @strawberry.field
    def status(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """ACTIVE, CAPTURED, RELEASED or EXPIRED."""
        return HoldStatus(root.status).name

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True


@accepted
class HoldInput:
    """Credits to set aside."""

    wallet_id: strawberry.ID
    """The wallet."""
    credits: Credits
    """How many, 1 or more."""
    idempotency_key: str
    """Your name for this hold."""
    expires_in_seconds: int | None = 3600
    """After this long what is left goes back by itself; at most 30 days."""
    metadata: JSON | None = strawberry.UNSET
    """A JSON object of at most 4,096 bytes to keep with the transaction."""


@published
class HoldPayload:
    """The hold and its wallet after the act, or why it was refused."""

    hold: Hold | None = None
    wallet: Wallet | None = None
    errors: list[UserError]
