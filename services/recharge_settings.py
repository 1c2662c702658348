"""Turning auto-recharge on and off, and looking at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from db import recharges as queries
from db import wallets as wallet_queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.limits import MAX_CREDITS
from domain.permissions import Actor, Permission
from domain.recharges import MethodStatus, check_terms, month_start
from live import topics
from services.feed import settings_message
from services.recharge_outcomes import ask, tell, turn_off
from services.saved_methods import require_method
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.ledger import Wallet
    from db.models.recharges import AutoRecharge, Recharge, SavedMethod
    from domain.pages import Page
    from services.coffer import Coffer
    from services.requests import RechargeRequest


class RechargeView(NamedTuple):
    """A wallet's auto-recharge: its settings, its wallet, what it charges, and what this month's charges cost."""

    settings: AutoRecharge
    wallet: Wallet
    method: SavedMethod
    open: Recharge | None
    spent_minor: int


async def enable(coffer: Coffer, actor: Actor, request: RechargeRequest) -> RechargeView:
    """Turn auto-recharge on, or change it; a wallet that is low already is recharged at once.

    InvalidInput, BelowMinimum, NotFound; InvalidState for a method that can't be charged.
    """
    actor.require(Permission.PURCHASE)
    if request.threshold is not None and not 1 <= request.threshold <= MAX_CREDITS:
        raise InvalidInput("thresholdCredits is 1 or more.", field=["thresholdCredits"])
    method = await require_method(coffer, actor, request.method)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, request.wallet)
        _check_method(method, found)
        wallet = await queries.lock_wallet(session, found.id)
        threshold = wallet.low_balance_threshold if request.threshold is None else request.threshold
        check_terms(request.terms, threshold)
        await wallet_queries.set_threshold(session, wallet.id, threshold)
        await _write(session, wallet, method, request)
        settings = await queries.lock_settings(session, wallet.id)
        assert settings is not None  # noqa: S101 - it was just written
        await ask(coffer, session, settings)
        await tell(coffer, session, settings, "turned_on")
        return await _told(coffer, session, settings)


async def disable(coffer: Coffer, actor: Actor, wallet: UUID | None) -> RechargeView:
    """Turn auto-recharge off; an attempt under way comes to its end. NotFound."""
    actor.require(Permission.PURCHASE)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        await queries.lock_wallet(session, found.id)
        settings = await queries.lock_settings(session, found.id)
        if settings is None:
            raise NotFound("This wallet never had auto-recharge: enableAutoRecharge first.", field=["walletId"])
        if settings.enabled:
            await turn_off(coffer, session, settings, None)
            await tell(coffer, session, settings, "turned_off_by_owner")
        return await _view(coffer, session, settings)


async def get(coffer: Coffer, actor: Actor, wallet: UUID | None) -> RechargeView | None:
    """A wallet's auto-recharge, or None when it was never turned on. NotFound for a wallet that is not there."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        settings = await queries.settings(session, found.id)
        return None if settings is None else await _view(coffer, session, settings)


async def attempts(coffer: Coffer, actor: Actor, wallet_id: int, page: Page) -> Sequence[Recharge]:
    """The attempts of a wallet that the caller was given, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.recharges(session, wallet_id, page)


async def watch(coffer: Coffer, actor: Actor, wallet: UUID | None) -> AsyncIterator[RechargeView]:
    """A wallet's auto-recharge now, if it was ever turned on, and after each event of it. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
    async with coffer.hub.subscribe(topics.recharges(found.id)) as inbox:
        view = await get(coffer, actor, wallet)
        if view is not None:
            yield view
        async for _ in inbox:
            view = await get(coffer, actor, wallet)
            if view is not None:
                yield view


def _check_method(method: SavedMethod, wallet: Wallet) -> None:
    if method.wallet_id != wallet.id:
        raise NotFound("This wallet has no such saved method: see `savedMethods`.", field=["savedMethodId"])
    if method.status is not MethodStatus.ACTIVE:
        raise InvalidState(f"This method is {method.status.name}: only an ACTIVE one is charged.")


async def _write(session: Session, wallet: Wallet, method: SavedMethod, request: RechargeRequest) -> None:
    values = {
        "project_id": wallet.project_id,
        "wallet_uuid": wallet.uuid,
        "saved_method_id": method.id,
        "amount_minor": request.terms.amount_minor,
        "target_credits": request.terms.target_credits,
        "monthly_limit_minor": request.terms.monthly_limit_minor,
        "cool_off_seconds": request.terms.cool_off_seconds,
    }
    await queries.turn_on(session, wallet.id, values)


async def _told(coffer: Coffer, session: Session, settings: AutoRecharge) -> RechargeView:
    view = await _view(coffer, session, settings)
    session.after_commit(lambda: coffer.hub.publish_many([settings_message(view.wallet)]))
    return view


async def _view(coffer: Coffer, session: Session, settings: AutoRecharge) -> RechargeView:
    wallet = await wallet_queries.read(session, settings.wallet_id)
    method = await queries.method_by_id(session, settings.saved_method_id)
    spent = await queries.spent_since(session, wallet.id, month_start(coffer.clock()))
    return RechargeView(settings, wallet, method, await queries.open_recharge(session, wallet.id), spent)
