"""Vendors, and the parts of purchases' money that go to them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.splits import SplitStatus, VendorStatus


class Vendor(Base):
    """Who gets a share of a project's purchases; the provider keeps the account and the papers."""

    __tablename__ = "vendor"
    __table_args__ = (
        Index(None, "project_id", "id"),
        CheckConstraint("share_basis_points between 0 and 10000", name="share_basis_points"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Its hex digits are the provider's id of it.
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    gateway: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    label: Mapped[str]
    status: Mapped[VendorStatus] = mapped_column(SmallEnum(VendorStatus))
    # Of the amount of every purchase through the gateway, without tax and fee.
    share_basis_points: Mapped[int]
    created_at: Mapped[CreatedAt]


class PurchaseSplit(Base):
    """A part of a purchase's money that is settled to a vendor."""

    __tablename__ = "purchase_split"
    __table_args__ = (
        Index(None, "purchase_id"),
        Index(None, "project_id", "id"),
        Index("uq_purchase_split_key", "purchase_id", "idempotency_key", "vendor_row_id", unique=True),
        CheckConstraint("amount_minor > 0", name="amount_minor"),
        CheckConstraint("refunded_minor between 0 and amount_minor", name="refunded_minor"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"))
    purchase_uuid: Mapped[UUID]
    vendor_row_id: Mapped[int] = mapped_column(ForeignKey("vendor.id"))
    vendor_uuid: Mapped[UUID]
    status: Mapped[SplitStatus] = mapped_column(SmallEnum(SplitStatus))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    # What refunds take back of it, those on their way included.
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    failure_reason: Mapped[str | None]
    # Those of the project's configuration have none.
    idempotency_key: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None]


class SplitRefund(Base):
    """What a refund takes back of a split; of a refund that failed nothing was taken."""

    __tablename__ = "split_refund"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_minor"),)

    refund_row_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    split_row_id: Mapped[int] = mapped_column(ForeignKey("purchase_split.id"), primary_key=True, index=True)
    amount_minor: Mapped[int]
