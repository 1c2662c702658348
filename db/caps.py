"""Queries of caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, text

from db.models.controls import Cap, CapUsage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session

_USED = text(
    "select c.id, coalesce(sum(u.used), 0)::bigint as used from cap c left join cap_usage u on u.cap_id = c.id"
    " and u.bucket >= ledger.cap_start(c, now()) where c.id = any(:ids) group by c.id",
)


async def of_wallet(session: Session, wallet_id: int) -> Sequence[Cap]:
    """The caps of a wallet, oldest first; they are few."""
    return (await session.scalars(select(Cap).where(Cap.wallet_id == wallet_id).order_by(Cap.id))).all()


async def count(session: Session, wallet_id: int) -> int:
    """How many caps a wallet has."""
    query = select(func.count()).select_from(Cap).where(Cap.wallet_id == wallet_id)
    return (await session.scalars(query)).one()


async def find(session: Session, uuid: UUID) -> Cap | None:
    """The cap with that uuid."""
    return (await session.scalars(select(Cap).where(Cap.uuid == uuid))).one_or_none()


async def remove(session: Session, cap: Cap) -> None:
    """Delete a cap and what it counted."""
    await session.execute(delete(CapUsage).where(CapUsage.cap_id == cap.id))
    await session.execute(delete(Cap).where(Cap.id == cap.id))


async def used(session: Session, caps: Sequence[Cap]) -> dict[int, int]:
    """What counts against each cap now."""
    rows: Any = await session.execute(_USED, {"ids": [cap.id for cap in caps]})
    return {row.id: row.used for row in rows}
