"""Queries of saved payment methods, auto-recharge and its attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models.ledger import Wallet
from db.models.purchases import Purchase
from db.models.recharges import AutoRecharge, Recharge, SavedMethod
from db.paging import newest_first
from domain.recharges import MethodStatus, RechargeState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page

_OPEN = (RechargeState.CHARGING, RechargeState.PENDING, RechargeState.AWAITING_APPROVAL)


async def method(session: Session, project_id: int, uuid: UUID) -> SavedMethod | None:
    """The project's saved method with that uuid."""
    query = select(SavedMethod).where(SavedMethod.uuid == uuid, SavedMethod.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def method_by_id(session: Session, method_id: int) -> SavedMethod:
    """A saved method as it is now: they are never deleted."""
    return await session.get_one(SavedMethod, method_id, populate_existing=True)


async def mandate(session: Session, gateway: str, method_id: str) -> SavedMethod | None:
    """The saved method of a provider's id, locked until the end of the transaction."""
    query = select(SavedMethod).where(SavedMethod.gateway == gateway, SavedMethod.method_id == method_id)
    return (await session.scalars(query.with_for_update())).one_or_none()


async def methods(session: Session, wallet_id: int, page: Page) -> Sequence[SavedMethod]:
    """A wallet's saved methods but those that were removed, newest first."""
    kept = (SavedMethod.wallet_id == wallet_id, SavedMethod.status != MethodStatus.REMOVED)
    return (await session.scalars(newest_first(select(SavedMethod).where(*kept), SavedMethod.id, page))).all()


async def save_method(session: Session, values: Mapping[str, Any]) -> None:
    """Keep a method; one that was removed before is there again."""
    row = insert(SavedMethod).values(**values)
    again = {"status": row.excluded.status, "customer_id": row.excluded.customer_id, "removed_at": None}
    await session.execute(row.on_conflict_do_update(index_elements=["wallet_id", "gateway", "method_id"], set_=again))


async def save_mandate(session: Session, values: Mapping[str, Any]) -> None:
    """Keep a mandate that is to be approved; one that is there stays as it is."""
    await session.execute(insert(SavedMethod).values(**values).on_conflict_do_nothing())


async def method_of(session: Session, uuid: UUID) -> SavedMethod | None:
    """The saved method of any project: for background work."""
    return (await session.scalars(select(SavedMethod).where(SavedMethod.uuid == uuid))).one_or_none()


async def lock_wallet(session: Session, wallet_id: int) -> Wallet:
    """A wallet as it is now, locked; before its auto-recharge, as the engine's commits do."""
    query = select(Wallet).where(Wallet.id == wallet_id).execution_options(populate_existing=True)
    return (await session.scalars(query.with_for_update(key_share=True))).one()


async def settings(session: Session, wallet_id: int) -> AutoRecharge | None:
    """A wallet's auto-recharge, if it was ever turned on."""
    return await session.get(AutoRecharge, wallet_id)


async def lock_settings(session: Session, wallet_id: int) -> AutoRecharge | None:
    """The same, locked until the end of the transaction."""
    return await session.get(AutoRecharge, wallet_id, with_for_update=True, populate_existing=True)


async def turn_on(session: Session, wallet_id: int, values: Mapping[str, Any]) -> None:
    """Write a wallet's auto-recharge anew; what was charged and when stays."""
    fresh = {**values, "enabled": True, "failures": 0, "retry_at": None, "disabled_reason": None}
    row = insert(AutoRecharge).values(wallet_id=wallet_id, **fresh)
    change = fresh | {"updated_at": func.now()}
    await session.execute(row.on_conflict_do_update(index_elements=[AutoRecharge.wallet_id], set_=change))
    await _mark(session, wallet_id, enabled=True)


async def turn_off(session: Session, row: AutoRecharge, reason: str | None) -> None:
    """Stop a locked auto-recharge, whose wallet is locked too."""
    row.enabled, row.disabled_reason, row.retry_at = False, reason, None
    await session.flush()
    await _mark(session, row.wallet_id, enabled=False)


async def using(session: Session, saved_method_id: int) -> Sequence[int]:
    """Wallets whose auto-recharge charges a method."""
    used = (AutoRecharge.saved_method_id == saved_method_id, AutoRecharge.enabled)
    return (await session.scalars(select(AutoRecharge.wallet_id).where(*used))).all()


async def open_recharge(session: Session, wallet_id: int) -> Recharge | None:
    """The attempt of a wallet that is under way."""
    query = select(Recharge).where(Recharge.wallet_id == wallet_id, Recharge.state.in_(_OPEN))
    return (await session.scalars(query)).one_or_none()


async def last_recharge(session: Session, wallet_id: int) -> Recharge | None:
    """A wallet's newest attempt."""
    query = select(Recharge).where(Recharge.wallet_id == wallet_id).order_by(Recharge.id.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def lock_recharge(session: Session, recharge_id: int) -> Recharge:
    """An attempt, locked until the end of the transaction."""
    return await session.get_one(Recharge, recharge_id, with_for_update=True, populate_existing=True)


async def recharges(session: Session, wallet_id: int, page: Page) -> Sequence[Recharge]:
    """A wallet's attempts, newest first."""
    query = select(Recharge).where(Recharge.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, Recharge.id, page))).all()


async def spent_since(session: Session, wallet_id: int, since: datetime) -> int:
    """Minor units of a wallet's recharges since a time, those under way included."""
    counted = Recharge.state.in_([*_OPEN, RechargeState.SUCCEEDED])
    query = select(func.sum(Recharge.total_minor)).where(Recharge.wallet_id == wallet_id, counted)
    return int((await session.scalar(query.where(Recharge.created_at >= since))) or 0)


async def needy(session: Session, now: datetime, after: int, limit: int) -> Sequence[AutoRecharge]:
    """Auto-recharges, by wallet above an id, of wallets below their threshold that may begin and have none open."""
    low = Wallet.available_credits - Wallet.debt_credits < Wallet.low_balance_threshold
    rests = AutoRecharge.charged_at + AutoRecharge.cool_off_seconds * timedelta(seconds=1)
    waits = (AutoRecharge.retry_at > now) | (rests > now)
    is_open = select(Recharge.id).where(Recharge.wallet_id == AutoRecharge.wallet_id, Recharge.state.in_(_OPEN))
    query = select(AutoRecharge).join(Wallet, Wallet.id == AutoRecharge.wallet_id)
    query = query.where(AutoRecharge.enabled, AutoRecharge.wallet_id > after, low, ~is_open.exists())
    query = query.where(waits.is_not(True)).order_by(AutoRecharge.wallet_id).limit(limit)
    return (await session.scalars(query)).all()


async def stuck(session: Session, before: datetime, limit: int) -> Sequence[Purchase]:
    """Purchases of open attempts that began before a time: their follow-up may have been given up."""
    query = select(Purchase).join(Recharge, Recharge.id == Purchase.recharge_id)
    old = (Recharge.state.in_(_OPEN), Recharge.created_at < before)
    return (await session.scalars(query.where(*old).order_by(Recharge.id).limit(limit))).all()


async def _mark(session: Session, wallet_id: int, *, enabled: bool) -> None:
    change = {"auto_recharge_enabled": enabled, "updated_at": func.now()}
    await session.execute(update(Wallet).where(Wallet.id == wallet_id).values(change))
