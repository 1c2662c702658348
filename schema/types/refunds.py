"""What goes back of purchases."""

from datetime import datetime

import strawberry

from schema.enums import DisputeStatus, RefundOrigin, RefundStatus
from schema.publishing import published
from schema.scalars import Credits
from schema.types.money import money_field
from schema.types.nodes import Node, id_field


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
    id: strawberry.ID = id_field("ref")
    purchase_id: strawberry.ID = id_field("pur", "purchase_uuid")
    """The purchase."""
    amount = money_field("amount_minor")
    """The part of the purchase's amount."""
    total = money_field("total_minor")
    """What the buyer gets back: with GST and platform fee in proportion."""


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
    id: strawberry.ID = id_field("dis")
    purchase_id: strawberry.ID = id_field("pur", "purchase_uuid")
    """The purchase."""
    total = money_field("total_minor")
    """What the bank asks back of what was paid."""
