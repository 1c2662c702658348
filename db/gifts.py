"""Queries of gifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from db.models.controls import Gift
from db.paging import newest_first
from domain.gifts import GiftStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page


async def find(session: Session, project_id: int, uuid: UUID) -> Gift | None:
    """The project's gift with that uuid, as it is now."""
    query = select(Gift).where(Gift.uuid == uuid, Gift.project_id == project_id)
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def newest(session: Session, project_id: int, page: Page) -> Sequence[Gift]:
    """Gifts of a project, newest first."""
    query = select(Gift).where(Gift.project_id == project_id)
    return (await session.scalars(newest_first(query, Gift.id, page))).all()


async def expired(session: Session, now: datetime, limit: int) -> list[Gift]:
    """Gifts that nobody claimed in time."""
    query = select(Gift).where(Gift.status == GiftStatus.PENDING, Gift.expires_at <= now).limit(limit)
    return list(await session.scalars(query))
