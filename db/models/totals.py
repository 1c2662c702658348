"""Days whose books were compared with what providers list."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class GatewayDay(Base):
    """A project's day (UTC) at one provider: what the books say, what the provider says, and where they differ."""

    __tablename__ = "gateway_day"
    __table_args__ = (
        UniqueConstraint("project_id", "gateway", "day"),
        Index("ix_gateway_day_gateway_day", "gateway", "day"),
        Index("ix_gateway_day_project_id_id", "project_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    gateway: Mapped[str]
    day: Mapped[date]
    checked_at: Mapped[datetime]
    # Since when every check found a difference.
    differs_since: Mapped[datetime | None]
    # Sums by currency, as those of domain/totals.py.
    ours: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    theirs: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    # All of them, also those that are not kept in the list.
    difference_count: Mapped[int]
