"""Metrics, usage recorded under them, and its sums. The engine writes events and sums; the role may just read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from db.models.base import Base, CreatedAt, SmallEnum
from db.models.ledger import HOT
from domain.metrics import Aggregation
from domain.pricing import UsageCategory


class Metric(Base):
    """What a project measures: its unit, how its events add up, and the feature whose price a charge takes."""

    __tablename__ = "metric"
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    created_at: Mapped[CreatedAt]
    archived_at: Mapped[datetime | None]
    category: Mapped[UsageCategory] = mapped_column(SmallEnum(UsageCategory))
    aggregation: Mapped[Aggregation] = mapped_column(SmallEnum(Aggregation))
    late_days: Mapped[int] = mapped_column(SmallInteger)
    key: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str]
    feature: Mapped[str | None]


class UsageEvent(Base):
    """Units of a metric used at one time, remembered with its key for ever; a charged one names its transaction.

    Every index begins with the wallet, as the ledger's do: a key stays unique over all days, so days are no partition.
    """

    __tablename__ = "usage_event"
    __table_args__ = (
        UniqueConstraint("wallet_id", "key_hash"),
        Index("ix_usage_event_wallet_id_metric_id_id", "wallet_id", "metric_id", "id"),
    )

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    metric_id: Mapped[int]
    units: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    api_key_id: Mapped[int | None]
    transaction_sequence: Mapped[int | None]
    credits: Mapped[int | None]
    key_hash: Mapped[UUID]
    idempotency_key: Mapped[str]
    member: Mapped[str | None]
    # `metadata` is SQLAlchemy's own name on a declarative class.
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB)


class MetricSlot(Base):
    """Events of one wallet, slot, metric, member and API key, summed in the events' own commit.

    `grain` is 1 (15 minutes, on which hours and days of every zone begin), 2 (a day) or 3 (a month) of a clock that is
    `utc_offset` minutes ahead of UTC; 0 or '' stands for none. `most` is the largest event, `latest` the last one: its
    microseconds since 1970, its id and its units, so that arrays compare by time.
    """

    __tablename__ = "metric_slot"
    __table_args__ = ({"postgresql_with": HOT},)

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    metric_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[int]
    units: Mapped[int]
    most: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]
    latest: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
