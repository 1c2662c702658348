"""The ledger's tables. Only the functions of ledger.sql write them; the application's role may just read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.caps import BURN_LIMIT_CREDITS, DAILY_CAP_UNITS, CapGroup
from domain.holds import HoldKind, HoldStatus
from domain.ledger import Account, TransactionSource, TransactionType
from domain.limits import MAX_CREDITS
from domain.wallets import DEFAULT_LOW_BALANCE_THRESHOLD_CREDITS, OwnerType

HOT = {"fillfactor": "50", "autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "2000"}
"""Room on each page so that updates stay heap-only, and vacuum by count: these rows change on every spend."""


class Wallet(Base):
    """One owner's credits. No changing column is indexed, so an update never touches an index."""

    __tablename__ = "wallet"
    __table_args__ = (
        UniqueConstraint("project_id", "owner_type", "owner_id"),
        CheckConstraint(f"available_credits between 0 and {MAX_CREDITS}", name="available_credits"),
        CheckConstraint("reserved_credits >= 0", name="reserved_credits"),
        CheckConstraint("locked_credits >= 0", name="locked_credits"),
        CheckConstraint("pending_credits >= 0", name="pending_credits"),
        CheckConstraint("low_balance_threshold >= 0", name="low_balance_threshold"),
        CheckConstraint("debt_credits >= 0", name="debt_credits"),
        # Spends do not change this column, so their updates stay heap-only.
        Index("ix_wallet_next_expiry_at", "next_expiry_at", postgresql_where=text("next_expiry_at is not null")),
        {"postgresql_with": HOT},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    available_credits: Mapped[int] = mapped_column(server_default="0")
    reserved_credits: Mapped[int] = mapped_column(server_default="0")
    locked_credits: Mapped[int] = mapped_column(server_default="0")
    pending_credits: Mapped[int] = mapped_column(server_default="0")
    sequence: Mapped[int] = mapped_column(server_default="0")
    lifetime_purchased_credits: Mapped[int] = mapped_column(server_default="0")
    lifetime_used_credits: Mapped[int] = mapped_column(server_default="0")
    low_balance_threshold: Mapped[int] = mapped_column(server_default=str(DEFAULT_LOW_BALANCE_THRESHOLD_CREDITS))
    ai_cap_units: Mapped[int] = mapped_column(server_default=str(DAILY_CAP_UNITS[CapGroup.AI]))
    webhook_cap_units: Mapped[int] = mapped_column(server_default=str(DAILY_CAP_UNITS[CapGroup.WEBHOOK]))
    email_cap_units: Mapped[int] = mapped_column(server_default=str(DAILY_CAP_UNITS[CapGroup.EMAIL]))
    ai_units: Mapped[int] = mapped_column(server_default="0")
    webhook_units: Mapped[int] = mapped_column(server_default="0")
    email_units: Mapped[int] = mapped_column(server_default="0")
    units_day: Mapped[date] = mapped_column(server_default=text("'2000-01-01'"))
    frozen: Mapped[bool] = mapped_column(server_default="false")
    auto_recharge_enabled: Mapped[bool] = mapped_column(server_default="false")
    owner_type: Mapped[OwnerType] = mapped_column(SmallEnum(OwnerType))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    next_expiry_at: Mapped[datetime | None]
    uuid: Mapped[UUID] = mapped_column(unique=True)
    owner_id: Mapped[str]
    revision: Mapped[int] = mapped_column(server_default="0")
    debt_credits: Mapped[int] = mapped_column(server_default="0")
    burn_limit_credits: Mapped[int | None] = mapped_column(server_default=str(BURN_LIMIT_CREDITS))
    burn_check_credits: Mapped[int] = mapped_column(server_default=str(BURN_LIMIT_CREDITS))
    burn_quiet_until: Mapped[datetime | None]
    capped: Mapped[bool] = mapped_column(server_default="false")
    frozen_reason: Mapped[str | None]


class CreditTransaction(Base):
    """One immutable movement of credits between two accounts; the balances are those of the available bucket."""

    __tablename__ = "credit_transaction"
    __table_args__ = (
        UniqueConstraint("wallet_id", "key_hash"),
        CheckConstraint(
            "amount >= 0 and balance_after >= 0 and balance_after = balance_before"
            " + case when to_account = 1 then amount when from_account = 1 then -amount else 0 end",
            name="movement",
        ),
    )

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int]
    balance_before: Mapped[int]
    balance_after: Mapped[int]
    units: Mapped[int | None]
    created_at: Mapped[datetime]
    api_key_id: Mapped[int | None]
    price_version: Mapped[int | None]
    type: Mapped[TransactionType] = mapped_column(SmallEnum(TransactionType))
    source: Mapped[TransactionSource] = mapped_column(SmallEnum(TransactionSource))
    from_account: Mapped[Account] = mapped_column(SmallEnum(Account))
    to_account: Mapped[Account] = mapped_column(SmallEnum(Account))
    category: Mapped[int | None] = mapped_column(SmallInteger)
    key_hash: Mapped[UUID]
    idempotency_key: Mapped[str]
    feature: Mapped[str | None]
    member: Mapped[str | None]
    source_id: Mapped[str | None]
    # `metadata` is SQLAlchemy's own name on a declarative class.
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB)


class UsageRollup(Base):
    """Usage of one wallet, UTC day, feature and member, summed in the commit of the spends themselves."""

    __tablename__ = "usage_rollup"
    __table_args__ = ({"postgresql_with": HOT},)

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    events: Mapped[int]
    units: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]
    category: Mapped[int | None] = mapped_column(SmallInteger)


class LowBalanceAlert(Base):
    """One dip below a wallet's threshold, written in the commit that caused it."""

    __tablename__ = "low_balance_alert"
    __table_args__ = (
        UniqueConstraint("wallet_id", "sequence"),
        Index(None, "project_id", "id"),
        Index("ix_low_balance_alert_unnotified", "id", postgresql_where=text("notified_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int]
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    sequence: Mapped[int]
    available_credits: Mapped[int]
    threshold: Mapped[int]
    raised_at: Mapped[datetime]
    # When its owner was told by e-mail, or did not want to be.
    notified_at: Mapped[datetime | None]


class Hold(Base):
    """Credits set aside; what is left stands in the wallet's reserved bucket until captured, released or expired."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("captured >= 0 and captured <= credits", name="captured"),
        Index(None, "wallet_id", "expires_at", postgresql_where=text(f"status = {HoldStatus.ACTIVE:d}")),
        Index("ix_hold_wallet_id_id", "wallet_id", "id"),
        Index("ix_hold_expires_at", "expires_at", postgresql_where=text(f"status = {HoldStatus.ACTIVE:d}")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    wallet_id: Mapped[int]
    credits: Mapped[int]
    captured: Mapped[int] = mapped_column(server_default="0")
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    status: Mapped[HoldStatus] = mapped_column(SmallEnum(HoldStatus))
    sequence: Mapped[int]
    wallet_uuid: Mapped[UUID]
    kind: Mapped[HoldKind] = mapped_column(SmallEnum(HoldKind), server_default="1")
    feature: Mapped[str | None]
    unit_credits: Mapped[int | None]
    category: Mapped[int | None] = mapped_column(SmallInteger)
    price_version: Mapped[int | None]
