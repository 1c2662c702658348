"""Holds and payouts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.holds import HoldStatus
from schema.context import Info
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.wallets import Node, Wallet


@published
class Hold(Node):
    """Credits set aside for work whose price is known only when it is done."""

    credits: Credits
    """How many were set aside."""
    captured: Credits
    """How many of them were spent."""
    feature: str | None
    """The feature that it is priced by, if any."""
    unit_credits: Credits | None
    """The price of one unit when the hold was made."""
    created_at: datetime
    """When they were set aside."""
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


@published
class Payout(Node):
    """Credits locked until they are paid out or released."""

    credits: Credits
    """How many are locked."""
    created_at: datetime
    """When they were locked."""
    uuid: strawberry.Private[UUID]
    wallet_uuid: strawberry.Private[UUID]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Names the object among all objects."""
        return strawberry.ID(public_id("pay", self.uuid))

    @strawberry.field
    def wallet_id(self) -> strawberry.ID:
        """The wallet."""
        return strawberry.ID(public_id("wal", self.wallet_uuid))

    @strawberry.field
    def status(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """LOCKED, COMPLETED or RELEASED."""
        names = {HoldStatus.ACTIVE: "LOCKED", HoldStatus.CAPTURED: "COMPLETED"}
        return names.get(HoldStatus(root.status), "RELEASED")

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


@accepted
class HoldFeatureInput:
    """Units of a feature to set credits aside for, at its price now: capture them item by item."""

    wallet_id: strawberry.ID
    """The wallet."""
    feature: str
    """A feature of `pricing`."""
    quantity: BigInt
    """How many units."""
    idempotency_key: str
    """Your name for this hold."""
    expires_in_seconds: int | None = 3600
    """After this long what is left goes back by itself; at most 30 days."""
    metadata: JSON | None = strawberry.UNSET
    """A JSON object of at most 4,096 bytes to keep with the transaction."""


@accepted
class PayoutInput:
    """Credits to lock for a payout."""

    wallet_id: strawberry.ID
    """The wallet."""
    credits: Credits
    """How many, 1 or more."""
    reason: str
    """Why; kept with the transaction."""
    idempotency_key: str
    """Your name for this payout."""


@published
class HoldPayload:
    """The hold and its wallet after the act, or why it was refused."""

    hold: Hold | None = None
    """The hold after the act; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class PayoutPayload:
    """The payout and its wallet after the act, or why it was refused."""

    payout: Payout | None = None
    """The payout after the act; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
