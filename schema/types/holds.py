"""Holds and payouts."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.holds import HoldStatus
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import Node, id_field
from schema.types.wallets import Wallet


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
    id: strawberry.ID = id_field("hold")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""

    @strawberry.field
    def status(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """ACTIVE, CAPTURED, RELEASED or EXPIRED."""
        return HoldStatus(root.status).name


@published
class Payout(Node):
    """Credits locked until they are paid out or released."""

    credits: Credits
    """How many are locked."""
    created_at: datetime
    """When they were locked."""
    id: strawberry.ID = id_field("pay")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""

    @strawberry.field
    def status(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """LOCKED, COMPLETED or RELEASED."""
        names = {HoldStatus.ACTIVE: "LOCKED", HoldStatus.CAPTURED: "COMPLETED"}
        return names.get(HoldStatus(root.status), "RELEASED")


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
