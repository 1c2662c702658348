"""Queries of e-mails to owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, any_, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from db.models.ledger import LowBalanceAlert
from db.models.notifications import Notification, NotificationPreference

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from db.database import Session


async def preferences(session: Session, wallet_id: int) -> NotificationPreference | None:
    """Where a wallet's owner is written to."""
    return await session.get(NotificationPreference, wallet_id, populate_existing=True)


async def readers_among(session: Session, wallet_ids: Collection[int]) -> set[int]:
    """Those of the wallets whose owner is written to about anything."""
    mine = NotificationPreference.wallet_id == any_(cast(list(wallet_ids), ARRAY(BigInteger)))
    return set(await session.scalars(select(NotificationPreference.wallet_id).where(mine)))


async def set_preferences(session: Session, wallet_id: int, email: str | None, kinds: Sequence[int]) -> None:
    """Write or change them; no address removes them."""
    if email is None:
        await session.execute(delete(NotificationPreference).where(NotificationPreference.wallet_id == wallet_id))
        return
    values = {"email": email, "kinds": list(kinds)}
    row = insert(NotificationPreference).values(wallet_id=wallet_id, **values)
    changed = row.on_conflict_do_update(index_elements=[NotificationPreference.wallet_id], set_=values)
    await session.execute(changed)


async def add(session: Session, values: Mapping[str, Any]) -> int | None:
    """Write an e-mail to send: its id here, or None when that event was told before."""
    row = insert(Notification).values(**values).on_conflict_do_nothing().returning(Notification.id)
    return await session.scalar(row)


async def get(session: Session, notification_id: int) -> Notification | None:
    """An e-mail."""
    return await session.get(Notification, notification_id, populate_existing=True)


async def mark(session: Session, notification_id: int, at: datetime, refused: str | None) -> None:
    """Note that it was sent, or why it never will be."""
    change = {"sent_at": None if refused else at, "refused": refused}
    await session.execute(update(Notification).where(Notification.id == notification_id).values(change))


async def untold_dips(session: Session, limit: int) -> Sequence[LowBalanceAlert]:
    """Low balances that no owner was told of, oldest first; others skip them until the end of the transaction."""
    query = select(LowBalanceAlert).where(LowBalanceAlert.notified_at.is_(None)).order_by(LowBalanceAlert.id)
    return (await session.scalars(query.limit(limit).with_for_update(skip_locked=True))).all()


async def told(session: Session, ids: Sequence[int]) -> None:
    """Note that owners were told of these low balances, or do not want to be."""
    query = update(LowBalanceAlert).where(LowBalanceAlert.id.in_(ids))
    await session.execute(query.values(notified_at=func.now()))
