"""Saved payment methods, auto-recharge and its attempts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.recharges import MethodKind, MethodStatus, RechargeState, Terms


class SavedMethod(Base):
    """A payment method that its owner let us charge again, by the provider's ids; no card number is ever here."""

    __tablename__ = "saved_method"
    __table_args__ = (
        UniqueConstraint("wallet_id", "gateway", "method_id"),
        Index(None, "wallet_id", "id"),
        Index(None, "gateway", "method_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    gateway: Mapped[str]
    customer_id: Mapped[str]
    method_id: Mapped[str]
    label: Mapped[str]
    kind: Mapped[MethodKind] = mapped_column(SmallEnum(MethodKind))
    status: Mapped[MethodStatus] = mapped_column(SmallEnum(MethodStatus))
    # Of a mandate: what one debit may be, in minor units, and the page where the customer approves it.
    limit_minor: Mapped[int | None]
    approval_url: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[datetime | None]


class AutoRecharge(Base):
    """When a wallet buys credits by itself; the threshold is the wallet's own low-balance threshold."""

    __tablename__ = "auto_recharge"
    __table_args__ = (
        CheckConstraint("(amount_minor is null) <> (target_credits is null)", name="amount"),
        Index("ix_auto_recharge_enabled", "wallet_id", postgresql_where=text("enabled")),
    )

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_uuid: Mapped[UUID]
    saved_method_id: Mapped[int] = mapped_column(ForeignKey("saved_method.id"))
    enabled: Mapped[bool]
    amount_minor: Mapped[int | None]
    target_credits: Mapped[int | None]
    monthly_limit_minor: Mapped[int]
    cool_off_seconds: Mapped[int]
    # Declines in a row, and when the next attempt may begin after one.
    failures: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    charged_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    @property
    def terms(self) -> Terms:
        """What it buys, and its bounds."""
        return Terms(self.amount_minor, self.target_credits, self.monthly_limit_minor, self.cool_off_seconds)


class Recharge(Base):
    """One attempt of a wallet to buy credits by itself; its purchase names it."""

    __tablename__ = "recharge"
    __table_args__ = (
        UniqueConstraint("wallet_id", "number"),
        # At most one attempt of a wallet is under way.
        Index("uq_recharge_open", "wallet_id", unique=True, postgresql_where=text("state < 4")),
        Index(None, "wallet_id", "id"),
        Index("ix_recharge_project_id_created_at", "project_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    number: Mapped[int]
    saved_method_id: Mapped[int] = mapped_column(ForeignKey("saved_method.id"))
    purchase_uuid: Mapped[UUID | None]
    state: Mapped[RechargeState] = mapped_column(SmallEnum(RechargeState))
    amount_minor: Mapped[int]
    total_minor: Mapped[int]
    currency: Mapped[str]
    failure_reason: Mapped[str | None]
    approval_url: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
