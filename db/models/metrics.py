"""Metrics, usage recorded under them, and its sums. The engine writes events and sums; the role may just read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger, Numeric

from db.models.base import Base, CreatedAt, SmallEnum
from db.models.ledger import HOT
from domain.metrics import Aggregation
from domain.pricing import UsageCategory

_QUEUE: Final = {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "2000"}
"""Rows of a queue live for seconds; vacuum comes before their dead ones make it slow."""


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


class GaugeSlot(Base):
    """The event that counts of a slot, for a wallet, a member and a metric that does not add up, whatever the API key.

    Written in the events' own commit; besides the grains of MetricSlot there are weeks (4). That event counts whose
    `micros` and then `place` are the highest: its time, in microseconds since 1970, and its id, or, for the largest,
    0 and its units.
    """

    __tablename__ = "gauge_slot"
    __table_args__ = ({"postgresql_with": HOT},)

    metric_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member: Mapped[str] = mapped_column(primary_key=True)
    micros: Mapped[int]
    place: Mapped[int]
    units: Mapped[int]


class ProjectMetricSlot(Base):
    """Recorded usage of a project's wallets together, right as of the changes that are folded.

    `view` is 0 (by metric alone), 2 (by member too) or 4 (by API key too). `units` of a gauge are the sum of what
    counts for each wallet and member of that day, week or month, by metric alone; others and quarters have none.
    """

    __tablename__ = "project_metric_slot"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    view: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    metric_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[int]
    # Sums of many wallets' units may pass 2^63, and a fold must not end for it.
    units: Mapped[Decimal] = mapped_column(Numeric)
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]


class MetricChange(Base):
    """A change of a project's sums that waits to be folded; see ledger_metrics.sql."""

    __tablename__ = "metric_change"
    __table_args__ = ({"postgresql_with": _QUEUE},)

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    metric_id: Mapped[int]
    slot: Mapped[datetime]
    utc_offset: Mapped[int] = mapped_column(SmallInteger)
    grain: Mapped[int] = mapped_column(SmallInteger)
    member: Mapped[str]
    api_key_id: Mapped[int]
    events: Mapped[int]
    units: Mapped[Decimal] = mapped_column(Numeric)
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]
