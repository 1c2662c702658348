"""Queries of what providers told us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from db.models.events import GatewayEvent

if TYPE_CHECKING:
    from db.database import Session


async def get(session: Session, event_id: int) -> GatewayEvent | None:
    """A stored webhook."""
    return await session.get(GatewayEvent, event_id, populate_existing=True)


async def store(session: Session, gateway: str, event: dict[str, Any]) -> int | None:
    """Keep a webhook: its id here, or None when that event of the provider is known."""
    row = insert(GatewayEvent).values(gateway=gateway, **event).on_conflict_do_nothing()
    return await session.scalar(row.returning(GatewayEvent.id))


async def mark(session: Session, event_id: int, verdict: str) -> None:
    """Note what was made of a webhook."""
    change = {"verdict": verdict, "processed_at": func.now()}
    await session.execute(update(GatewayEvent).where(GatewayEvent.id == event_id).values(change))
