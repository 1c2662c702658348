"""Caps and quotes."""

from typing import Any

import strawberry

from schema.enums import CapMeasure, CapPeriod, UsageCategory
from schema.errors import UserError, user_error
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.ledger import Allocation
from schema.types.nodes import Node, id_field


@published
class Cap(Node):
    """At most so much in a period, of a wallet's spends that match everything named here."""

    name: str
    """Your name for it."""
    limit: BigInt
    """Credits or units a period."""
    used: BigInt
    """What counts against it now."""
    measure: CapMeasure
    """What it counts."""
    period: CapPeriod
    """When it starts anew."""
    window_seconds: BigInt | None
    """How far a sliding cap looks back."""
    member: str | None
    """Only spends of this member."""
    feature: str | None
    """Only spends of this feature."""
    category: UsageCategory | None
    """Only spends of this category."""
    id: strawberry.ID = id_field("cap")


@accepted
class SetCapInput:
    """A cap to add to a wallet; it counts from now on."""

    wallet_id: strawberry.ID
    """The wallet."""
    name: str
    """Your name for it."""
    limit: BigInt
    """Credits or units a period."""
    measure: CapMeasure
    """What it counts."""
    period: CapPeriod
    """When it starts anew."""
    window_seconds: BigInt | None = strawberry.UNSET
    """With SLIDING: how far it looks back, 60 seconds to 31 days."""
    member: str | None = strawberry.UNSET
    """Only spends of this member."""
    api_key_id: strawberry.ID | None = strawberry.UNSET
    """Only spends with this API key."""
    feature: str | None = strawberry.UNSET
    """Only spends of this feature."""
    category: UsageCategory | None = strawberry.UNSET
    """Only spends of this category."""


@published
class SetCapPayload:
    """The cap, or why there is none."""

    cap: Cap | None = None
    """The cap as it is now; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class RemoveCapPayload:
    """The id of the removed cap, or why it was not."""

    cap_id: strawberry.ID | None = None
    """The cap that is gone; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class SpendQuote:
    """All that a spend would do now, found by doing it and rolling it back."""

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
    lots: list[Allocation]
    """The lots that would pay, in order."""
    caps: list[Cap]
    """The wallet's caps with this spend counted."""
    low_balance_alert: bool
    """Whether it would raise a low-balance alert."""
    rapid_burn_alert: bool
    """Whether it would raise an alert of rapid burn."""

    @strawberry.field
    def error(root: strawberry.Parent[Any]) -> UserError | None:  # noqa: N805 - the row
        """The refusal that the spend would meet."""
        return None if root.error is None else user_error(root.error)
