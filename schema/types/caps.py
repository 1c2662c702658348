"""Caps and quotes."""

from typing import Any

import strawberry

from schema.enums import CapMeasure, CapPeriod, UsageCategory
from schema.errors import UserError, user_error
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.ledger import Allocation


@published
class Cap:
    """At most so much in a period, of a wallet's spends that match everything named here."""

    used: BigInt
    """What counts against it now."""

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the cap."""
        return strawberry.ID(public_id("cap", root.cap.uuid))

    @strawberry.field
    def name(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """Your name for it."""
        return str(root.cap.name)

    @strawberry.field
    def limit(root: strawberry.Parent[Any]) -> BigInt:  # noqa: N805 - the row
        """Credits or units a period."""
        return BigInt(root.cap.limit_amount)

    @strawberry.field
    def measure(root: strawberry.Parent[Any]) -> CapMeasure:  # noqa: N805 - the row
        """What it counts."""
        return root.cap.measure

    @strawberry.field
    def period(root: strawberry.Parent[Any]) -> CapPeriod:  # noqa: N805 - the row
        """When it starts anew."""
        return root.cap.period

    @strawberry.field
    def window_seconds(root: strawberry.Parent[Any]) -> BigInt | None:  # noqa: N805 - the row
        """How far a sliding cap looks back."""
        return None if root.cap.window_seconds is None else BigInt(root.cap.window_seconds)

    @strawberry.field
    def member(root: strawberry.Parent[Any]) -> str | None:  # noqa: N805 - the row
        """Only spends of this member."""
        member: str | None = root.cap.member
        return member

    @strawberry.field
    def feature(root: strawberry.Parent[Any]) -> str | None:  # noqa: N805 - the row
        """Only spends of this feature."""
        feature: str | None = root.cap.feature
        return feature

    @strawberry.field
    def category(root: strawberry.Parent[Any]) -> UsageCategory | None:  # noqa: N805 - the row
        """Only spends of this category."""
        return None if root.cap.category is None else UsageCategory(root.cap.category)


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
