"""What goes back of purchases."""

from datetime import datetime
from typing import Any

import strawberry

from schema.context import Info
from schema.enums import DisputeStatus, RefundOrigin, RefundStatus
from schema.ids import public_id
from schema.publishing import published
from schema.scalars import Credits
from schema.types.purchases import Money
from schema.types.wallets import Node


@published
class Refund(Node):
    """Money that goes back for part of a purchase, and the credits that were taken for it."""

    status: RefundStatus
    """Where it stands."""
    origin: RefundOrigin
    """Who began it."""
    credits: Credits
    """What it took, bonus included."""
    bonus_credits: Credits
    """The bonus inside."""
    shortfall_credits: Credits
    """The part that was spent already and became a debt."""
    failure_reason: str | None
    """Why it failed."""
    created_at: datetime
    """When it began."""
    completed_at: datetime | None
    """When it succeeded or failed."""

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the object among all objects."""
        return strawberry.ID(public_id("ref", root.uuid))

    @strawberry.field
    def purchase_id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """The purchase."""
        return strawberry.ID(public_id("pur", root.purchase_uuid))

    @strawberry.field
    def amount(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """The part of the purchase's amount."""
        return Money(amount_minor=root.amount_minor, currency=root.currency)

    @strawberry.field
    def total(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """What the buyer gets back: with GST and platform fee in proportion."""
        return Money(amount_minor=root.total_minor, currency=root.currency)

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True


@published
class Dispute(Node):
    """A payment that the buyer's bank asks back."""

    status: DisputeStatus
    """Where it stands."""
    gateway: str
    """The payment provider, at which it is answered."""
    reason: str | None
    """What the bank says."""
    credits: Credits
    """What a lost one takes, bonus included."""
    frozen_credits: Credits
    """What is out of the wallet as long as it is open."""
    respond_by: datetime | None
    """When it is lost without an answer."""
    created_at: datetime
    """When Coffer heard of it."""
    closed_at: datetime | None
    """When it was decided."""

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the object among all objects."""
        return strawberry.ID(public_id("dis", root.uuid))

    @strawberry.field
    def purchase_id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """The purchase."""
        return strawberry.ID(public_id("pur", root.purchase_uuid))

    @strawberry.field
    def total(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """What the bank asks back of what was paid."""
        return Money(amount_minor=root.total_minor, currency=root.currency)

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True
