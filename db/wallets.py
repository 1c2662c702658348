"""Queries of wallets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Uuid, any_, cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from db.models.ledger import Wallet
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session
    from domain.pages import Page
    from domain.wallets import OwnerType


async def find(session: Session, project_id: int, uuid: UUID) -> Wallet | None:
    """The project's wallet with that uuid."""
    query = select(Wallet).where(Wallet.uuid == uuid, Wallet.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def ids_of(session: Session, project_id: int, uuids: Sequence[UUID]) -> list[int]:
    """The ids of those of the project's wallets, in one query."""
    return list(await session.scalars(select(Wallet.id).where(Wallet.uuid.in_(uuids), Wallet.project_id == project_id)))


async def ids_after(session: Session, project_id: int, after: int, limit: int) -> list[int]:
    """The next wallets of a project above an id."""
    query = select(Wallet.id).where(Wallet.project_id == project_id, Wallet.id > after).order_by(Wallet.id).limit(limit)
    return list(await session.scalars(query))


async def read(session: Session, wallet_id: int) -> Wallet:
    """The wallet as it is now, whatever the session has seen of it before."""
    query = select(Wallet).where(Wallet.id == wallet_id).execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def with_ids(session: Session, ids: Sequence[int]) -> Sequence[Wallet]:
    """The wallets of these ids as they are now, whatever the session has seen of them before."""
    query = select(Wallet).where(Wallet.id == any_(cast(ids, ARRAY(BigInteger))))
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def rows_of(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    """The wallets of these ids, as plain rows: thousands of streams keep theirs."""
    columns = select(Wallet.__table__)
    return (await session.execute(columns.where(Wallet.id == any_(cast(ids, ARRAY(BigInteger)))))).all()


async def versions(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """The sequence and the time of the last change of each wallet."""
    columns = select(Wallet.id, Wallet.sequence, Wallet.updated_at)
    rows = await session.execute(columns.where(Wallet.id == any_(cast(ids, ARRAY(BigInteger)))))
    return {row.id: (row.sequence, row.updated_at) for row in rows}


async def with_uuids(session: Session, uuids: Sequence[UUID]) -> Sequence[Wallet]:
    """The wallets of these uuids, in any project."""
    return (await session.scalars(select(Wallet).where(Wallet.uuid == any_(cast(uuids, ARRAY(Uuid)))))).all()


async def open_wallet(
    session: Session,
    project_id: int,
    owner_type: OwnerType,
    owner_id: str,
    low_balance_threshold: int | None,
) -> Wallet:
    """Insert the owner's wallet, or find the one that is there."""
    values = {"uuid": uuid4(), "project_id": project_id, "owner_type": owner_type, "owner_id": owner_id}
    if low_balance_threshold is not None:
        values["low_balance_threshold"] = low_balance_threshold
    await session.execute(insert(Wallet).values(values).on_conflict_do_nothing())
    owner = (Wallet.project_id == project_id, Wallet.owner_type == owner_type, Wallet.owner_id == owner_id)
    return (await session.scalars(select(Wallet).where(*owner))).one()


async def newest(
    session: Session, project_id: int, owner_type: OwnerType | None, owner_id: str | None, page: Page
) -> Sequence[Wallet]:
    """Wallets of a project, of one owner if named, newest first."""
    query = select(Wallet).where(Wallet.project_id == project_id)
    if owner_type is not None:
        query = query.where(Wallet.owner_type == owner_type)
    if owner_id is not None:
        query = query.where(Wallet.owner_id == owner_id)
    return (await session.scalars(newest_first(query, Wallet.id, page))).all()


async def set_threshold(session: Session, wallet_id: int, low_balance_threshold: int) -> None:
    """Change the low-balance threshold."""
    change = {"low_balance_threshold": low_balance_threshold, "updated_at": func.now()}
    await session.execute(update(Wallet).where(Wallet.id == wallet_id).values(change))


async def due(session: Session, now: datetime, limit: int) -> list[int]:
    """Ids of wallets where a hold or a lot has ended or begins."""
    query = select(Wallet.id).where(Wallet.next_expiry_at <= now).limit(limit)
    return list(await session.scalars(query))
