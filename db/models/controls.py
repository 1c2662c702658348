"""What limits, watches and hands over the credits of wallets: caps, burn alerts, gifts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.caps import CapMeasure, CapPeriod
from domain.gifts import GiftStatus


class Cap(Base):
    """At most `limit_amount` credits or units in a period, of a wallet's spends that match what is named."""

    __tablename__ = "cap"
    __table_args__ = (
        CheckConstraint("limit_amount >= 0", name="limit_amount"),
        Index("ix_cap_wallet_id_id", "wallet_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    wallet_id: Mapped[int]
    api_key_id: Mapped[int | None]
    limit_amount: Mapped[int]
    window_seconds: Mapped[int | None]
    created_at: Mapped[CreatedAt]
    measure: Mapped[CapMeasure] = mapped_column(SmallEnum(CapMeasure))
    period: Mapped[CapPeriod] = mapped_column(SmallEnum(CapPeriod))
    category: Mapped[int | None] = mapped_column(SmallInteger)
    name: Mapped[str]
    member: Mapped[str | None]
    feature: Mapped[str | None]


class CapUsage(Base):
    """What counted against a cap in one day, month or part of its window, which starts at `bucket`."""

    __tablename__ = "cap_usage"

    cap_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    used: Mapped[int]


class BurnAlert(Base):
    """The start of an episode of rapid burn, written in the commit of the spend that began it."""

    __tablename__ = "burn_alert"
    __table_args__ = (
        UniqueConstraint("wallet_id", "sequence"),
        Index("ix_burn_alert_project_id_id", "project_id", "id"),
        Index("ix_burn_alert_unpublished", "id", postgresql_where=text("published_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int]
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    sequence: Mapped[int]
    spent_credits: Mapped[int]
    limit_credits: Mapped[int]
    raised_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class Gift(Base):
    """Credits that left a wallet with the row `sequence` and wait for a wallet that claims them."""

    __tablename__ = "gift"
    __table_args__ = (
        Index("ix_gift_project_id_id", "project_id", "id"),
        Index("ix_gift_expires_at", "expires_at", postgresql_where=text(f"status = {GiftStatus.PENDING:d}")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int]
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    to_wallet_id: Mapped[int | None]
    claimed_wallet_id: Mapped[int | None]
    sequence: Mapped[int]
    credits: Mapped[int]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    status: Mapped[GiftStatus] = mapped_column(SmallEnum(GiftStatus))
    message: Mapped[str | None]
