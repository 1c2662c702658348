"""Queries of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session
    from domain.metrics import MetricDefinition


async def of_project(session: Session, project_id: int, *, archived: bool) -> Sequence[Metric]:
    """A project's metrics by key, with the archived ones or without."""
    query = select(Metric).where(Metric.project_id == project_id).order_by(Metric.key)
    return (await session.scalars(query if archived else query.where(Metric.archived_at.is_(None)))).all()


async def count(session: Session, project_id: int) -> int:
    """How many metrics a project has, archived ones included."""
    return (await session.execute(select(func.count()).where(Metric.project_id == project_id))).scalar_one()


async def find(session: Session, project_id: int, key: str) -> Metric | None:
    """The project's metric of that key."""
    query = select(Metric).where(Metric.project_id == project_id, Metric.key == key)
    return (await session.scalars(query)).one_or_none()


async def define(session: Session, project_id: int, metric: MetricDefinition) -> Metric | None:
    """Insert a metric or change the one of that key; None when it has another unit, category or aggregation."""
    fixed = {"unit": metric.unit, "category": metric.category, "aggregation": metric.aggregation}
    open_ = {"name": metric.name, "feature": metric.feature, "late_days": metric.late_days, "archived_at": None}
    statement = insert(Metric).values(project_id=project_id, key=metric.key, **fixed, **open_)
    same = [getattr(Metric, name) == value for name, value in fixed.items()]
    changed = statement.on_conflict_do_update(
        index_elements=[Metric.project_id, Metric.key], set_=open_, where=same[0] & same[1] & same[2]
    )
    rows = await session.scalars(changed.returning(Metric), execution_options={"populate_existing": True})
    return rows.one_or_none()


async def archive(session: Session, metric: Metric, now: datetime) -> None:
    """Take a metric out of use; the time of the first archiving stays."""
    where = (Metric.id == metric.id, Metric.archived_at.is_(None))
    await session.execute(update(Metric).where(*where).values(archived_at=now))
    await session.refresh(metric)
