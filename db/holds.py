"""Queries of holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from db.models.ledger import Hold, Wallet
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from domain.holds import HoldKind
    from domain.pages import Page


async def find(session: Session, project_id: int, uuid: UUID) -> tuple[Hold, Wallet] | None:
    """The hold with that uuid and its wallet, when the wallet is the project's."""
    query = select(Hold, Wallet).join(Wallet, Wallet.id == Hold.wallet_id)
    row = (await session.execute(query.where(Hold.uuid == uuid, Wallet.project_id == project_id))).one_or_none()
    return None if row is None else (row[0], row[1])


async def by_uuid(session: Session, uuid: UUID) -> Hold:
    """The hold as it is now."""
    query = select(Hold).where(Hold.uuid == uuid).execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def newest(session: Session, wallet_id: int, kind: HoldKind, page: Page) -> Sequence[Hold]:
    """A wallet's holds of a kind, newest first."""
    query = select(Hold).where(Hold.wallet_id == wallet_id, Hold.kind == kind)
    return (await session.scalars(newest_first(query, Hold.id, page))).all()
