"""What payment providers told us."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt


class GatewayEvent(Base):
    """A webhook as it arrived: stored before any work, once per provider and event id."""

    __tablename__ = "gateway_event"
    __table_args__ = (
        UniqueConstraint("gateway", "event_id"),
        Index(None, "project_id", "id"),
        Index(None, "received_at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Null as long as no purchase of ours is known by its order.
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    # The job that acts on it; it is forgotten some days after it was done.
    job_id: Mapped[int | None]
    gateway: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    # What it is about (EventKind of gateways), whatever the provider calls it.
    kind: Mapped[str] = mapped_column(server_default="payment")
    order_id: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[CreatedAt]
    processed_at: Mapped[datetime | None]
    # How often the work was begun before it was done.
    attempts: Mapped[int | None]
    # What the worker made of it: granted, failed, ignored ...
    verdict: Mapped[str | None]
