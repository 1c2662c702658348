"""Queries of the money books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, cast, func, select, text

from db.models.ledger import Wallet
from db.models.money import MoneyEntry, Revenue, RevenueNews
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session
    from domain.pages import Page


_RECOGNISE: Final = text("select ledger.recognise(:wallet_id)")


async def flows(session: Session, project_id: int) -> Sequence[Any]:
    """Everything that a project's entries moved: (currency, debit, credit, amount_minor)."""
    names = (MoneyEntry.currency, MoneyEntry.debit, MoneyEntry.credit)
    query = select(*names, cast(func.sum(MoneyEntry.amount_minor), BigInteger).label("amount_minor"))
    query = query.where(MoneyEntry.project_id == project_id).group_by(*names).order_by(*names)
    return (await session.execute(query)).all()


async def newest(session: Session, project_id: int, purchase_id: int | None, page: Page) -> Sequence[MoneyEntry]:
    """Entries of a project, of one purchase if named, newest first."""
    query = select(MoneyEntry).where(MoneyEntry.project_id == project_id)
    if purchase_id is not None:
        query = query.where(MoneyEntry.purchase_id == purchase_id)
    return (await session.scalars(newest_first(query, MoneyEntry.id, page))).all()


async def unrecognised(session: Session, before: datetime, limit: int) -> list[int]:
    """Wallets with news about purchases that were last reckoned before a time."""
    is_due = Revenue.reckoned_at.is_(None) | (Revenue.reckoned_at < before)
    used = select(Revenue.wallet_id).join(Wallet, Wallet.id == Revenue.wallet_id)
    used = used.where(~Revenue.closed, Wallet.sequence > Revenue.sequence, is_due)
    return list(await session.scalars(used.union(select(RevenueNews.wallet_id)).limit(limit)))


async def recognise(session: Session, wallet_id: int) -> None:
    """Bring the earned revenue of a wallet's purchases up to its newest row."""
    await session.execute(_RECOGNISE, {"wallet_id": wallet_id})
