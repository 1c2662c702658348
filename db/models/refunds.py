"""What goes back of purchases: refunds and disputes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.refunds import DisputeStatus, RefundOrigin, RefundStatus, Share


class _Part:
    """The part of a purchase that a row stands for: paise, and credits (bonus included)."""

    amount_minor: Mapped[int]
    gst_minor: Mapped[int] = mapped_column(server_default="0")
    platform_fee_minor: Mapped[int] = mapped_column(server_default="0")
    credits: Mapped[int]
    bonus_credits: Mapped[int] = mapped_column(server_default="0")

    @property
    def share(self) -> Share:
        """The part as one value."""
        figures = (self.amount_minor, self.gst_minor, self.platform_fee_minor, self.credits, self.bonus_credits)
        return Share(*figures)


class Refund(_Part, Base):
    """Money on its way back for part of a purchase; its credits were taken in the transaction that wrote this row."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("purchase_id", "idempotency_key"),
        Index(None, "project_id", "id"),
        Index("uq_refund_gateway_refund_id", "gateway", "refund_id", unique=True),
        CheckConstraint("bonus_credits between 0 and credits", name="credits"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"))
    purchase_uuid: Mapped[UUID]
    gateway: Mapped[str]
    status: Mapped[RefundStatus] = mapped_column(SmallEnum(RefundStatus), server_default="1")
    origin: Mapped[RefundOrigin] = mapped_column(SmallEnum(RefundOrigin), server_default="1")
    # What the provider sends back: all of the part, tax and fee in proportion.
    total_minor: Mapped[int]
    currency: Mapped[str]
    # The part of the credits that were spent already and became a debt.
    shortfall_credits: Mapped[int] = mapped_column(server_default="0")
    # The provider's id of it.
    refund_id: Mapped[str | None]
    failure_reason: Mapped[str | None]
    # Those that the project asks for have one.
    idempotency_key: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    # When it succeeded or failed.
    completed_at: Mapped[datetime | None]


class Dispute(_Part, Base):
    """A payment that the buyer's bank takes back unless the project shows that it was right."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("gateway", "dispute_id"),
        Index(None, "project_id", "id"),
        Index(None, "purchase_id"),
        CheckConstraint("frozen_credits between 0 and credits", name="credits"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"))
    purchase_uuid: Mapped[UUID]
    gateway: Mapped[str]
    # The provider's id of it.
    dispute_id: Mapped[str]
    status: Mapped[DisputeStatus] = mapped_column(SmallEnum(DisputeStatus))
    reason: Mapped[str | None]
    total_minor: Mapped[int]
    currency: Mapped[str]
    # What is out of the wallet while the dispute is open.
    frozen_credits: Mapped[int] = mapped_column(server_default="0")
    # The refund that a lost one became.
    refund_row_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    # How often it changed: in the keys of its movements.
    changes: Mapped[int] = mapped_column(server_default="0")
    respond_by: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    closed_at: Mapped[datetime | None]


class ReversalSweep(Base):
    """How far the purchases that are so many days old were asked about what went back of them without a message."""

    __tablename__ = "reversal_sweep"

    age_days: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purchase_id: Mapped[int]
