"""What features cost to provide."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt


class FeatureCost(Base):
    """What a unit of a feature costs from a day on (micros), until a later row of the feature."""

    __tablename__ = "feature_cost"
    __table_args__ = (CheckConstraint("infrastructure_micros >= 0 and other_micros >= 0", name="micros"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, autoincrement=False)
    feature: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    infrastructure_micros: Mapped[int]
    other_micros: Mapped[int]
    set_by: Mapped[int | None]
    set_at: Mapped[CreatedAt]
