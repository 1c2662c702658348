"""Payouts whose money a provider sends, and to whom."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.payouts import BeneficiaryStatus, PayoutStatus


class Beneficiary(Base):
    """Who may be paid out credits of a wallet; the provider keeps the account, here is only its label."""

    __tablename__ = "beneficiary"
    __table_args__ = (Index(None, "wallet_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Its hex digits are the provider's id of it.
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    gateway: Mapped[str]
    name: Mapped[str]
    label: Mapped[str]
    status: Mapped[BeneficiaryStatus] = mapped_column(SmallEnum(BeneficiaryStatus))
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[datetime | None]


class PayoutTransfer(Base):
    """The money of a payout on its way to a beneficiary; its credits were locked in the commit that wrote this row."""

    __tablename__ = "payout_transfer"
    __table_args__ = (
        Index(None, "project_id", "id"),
        Index(None, "wallet_id", "id"),
        CheckConstraint("credits > 0 and amount_minor > 0", name="credits"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Its hex digits are our reference at the provider: the same one is paid once.
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    hold_uuid: Mapped[UUID] = mapped_column(unique=True)
    beneficiary_row_id: Mapped[int] = mapped_column(ForeignKey("beneficiary.id"))
    beneficiary_uuid: Mapped[UUID]
    gateway: Mapped[str]
    status: Mapped[PayoutStatus] = mapped_column(SmallEnum(PayoutStatus), server_default="1")
    credits: Mapped[int]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str]
    # The provider's id of it, and the banks'.
    transfer_id: Mapped[str | None]
    utr: Mapped[str | None]
    failure_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    # When it succeeded or failed; one that was reversed was so then.
    completed_at: Mapped[datetime | None]


class SimulatedBeneficiary(Base):
    """The simulated provider's own record of an account that it sends money to."""

    __tablename__ = "simulated_beneficiary"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    account: Mapped[str]


class SimulatedTransfer(Base):
    """The simulated provider's own record of money that it sends; Coffer reads it only over HTTP."""

    __tablename__ = "simulated_transfer"

    # The merchant's reference.
    id: Mapped[str] = mapped_column(primary_key=True)
    beneficiary: Mapped[str] = mapped_column(ForeignKey("simulated_beneficiary.id"))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    failure_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
