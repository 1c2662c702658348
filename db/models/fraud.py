"""What was found when purchases began."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.fraud import FraudDecision


class FraudEvent(Base):
    """A purchase that was looked at, by its idempotency key: where it came from, its signals, and what became of it."""

    __tablename__ = "fraud_event"
    __table_args__ = (
        UniqueConstraint("wallet_id", "idempotency_key"),
        Index("ix_fraud_event_found", "project_id", "id", postgresql_where=text("points > 0")),
        Index("ix_fraud_event_wallet", "wallet_id", "created_at"),
        Index(
            "ix_fraud_event_device", "project_id", "device", "created_at", postgresql_where=text("device is not null")
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    idempotency_key: Mapped[str]
    amount_minor: Mapped[int]
    points: Mapped[int]
    # Points by the number of their signal, as they were then.
    signals: Mapped[dict[str, int]] = mapped_column(JSONB)
    decision: Mapped[FraudDecision] = mapped_column(SmallEnum(FraudDecision))
    address: Mapped[str | None]
    country: Mapped[str | None]
    device: Mapped[str | None]
    agent: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[int | None]
    note: Mapped[str | None]
