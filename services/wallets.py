"""Wallets: open, read, list, change settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import ledger, moves
from db import transactions as transaction_queries
from db import wallets as queries
from domain.errors import InvalidInput, NotFound
from domain.inputs import check_credits, check_text
from domain.limits import MAX_CREDITS
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.feed import settings_message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.ledger import Wallet
    from domain.ledger import TransactionType
    from domain.pages import Page
    from domain.wallets import OwnerType
    from services.coffer import Coffer
    from services.requests import WalletSettings


async def create_wallet(
    coffer: Coffer, actor: Actor, owner_type: OwnerType, owner_id: str, low_balance_threshold: int | None
) -> Wallet:
    """Open the owner's wallet; an owner has one, so the same owner gets the same wallet. InvalidInput."""
    actor.require(Permission.MANAGE_WALLETS)
    check_text(owner_id, "ownerId")
    _check_threshold(low_balance_threshold)
    async with coffer.database.transaction() as session:
        return await queries.open_wallet(session, actor.project_id, owner_type, owner_id, low_balance_threshold)


async def get_wallet(coffer: Coffer, actor: Actor, wallet: UUID | None) -> Wallet | None:
    """The wallet, or None when the project has no such wallet."""
    actor.require(Permission.READ)
    if wallet is None:
        return None
    # Balances are what is asked for most: requests that wait at the same time are answered by one query.
    found = await coffer.database.live_reads.named.get((actor.project_id, wallet))
    return found and await settled(coffer, found)


async def settled(coffer: Coffer, found: Wallet) -> Wallet:
    """A wallet that was read, after what was due has expired."""
    if found.next_expiry_at is not None and found.next_expiry_at <= coffer.clock():
        return await settle(coffer, found.id)
    return found


async def settle(coffer: Coffer, wallet_id: int) -> Wallet:
    """Do what is due in a wallet (holds and lots that ended, lots that begin) and tell the feed."""
    async with coffer.database.transaction() as session:
        before = (await queries.read(session, wallet_id)).sequence
        await ledger.settle(session, wallet_id)
        return await announce(coffer, session, wallet_id, before)


async def list_wallets(
    coffer: Coffer, actor: Actor, owner_type: OwnerType | None, owner_id: str | None, page: Page
) -> Sequence[Wallet]:
    """Wallets of the project, of one owner if named, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, owner_type, owner_id, page)


async def update_wallet(coffer: Coffer, actor: Actor, wallet: UUID | None, settings: WalletSettings) -> Wallet:
    """Change a wallet's settings. InvalidInput, NotFound."""
    actor.require(Permission.MANAGE_WALLETS)
    _check_threshold(settings.low_balance_threshold)
    if settings.burn_limit is not None:
        check_credits(settings.burn_limit, "burnLimitCredits")
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        if settings.low_balance_threshold is not None:
            await queries.set_threshold(session, found.id, settings.low_balance_threshold)
        if settings.change_burn_limit:
            await moves.set_burn_limit(session, found.id, settings.burn_limit)
        changed = await queries.read(session, found.id)
        session.after_commit(lambda: coffer.hub.publish_many([settings_message(changed)]))
    return changed


async def list_transactions(
    coffer: Coffer,
    actor: Actor,
    wallet_ids: Sequence[int],
    types: Sequence[TransactionType] | None,
    page: Page,
) -> dict[int, list[Any]]:
    """A page, by sequence, of the transactions of each of some wallets that the caller was given, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await transaction_queries.newest(session, wallet_ids, types, page)


async def require_wallet(session: Session, actor: Actor, wallet: UUID | None) -> Wallet:
    """The wallet of the actor's project, or NotFound."""
    found = wallet and await queries.find(session, actor.project_id, wallet)
    if not found:
        raise NotFound("No such wallet in this project: see `wallets`.", field=["walletId"])
    return found


async def narrow_to(session: Session, actor: Actor, wallet: UUID | None) -> int | None:
    """The wallet that a list is narrowed to, by its internal id; None is every wallet of the project. NotFound."""
    return None if wallet is None else (await require_wallet(session, actor, wallet)).id


def _check_threshold(value: int | None) -> None:
    if value is not None and not 0 <= value <= MAX_CREDITS:
        raise InvalidInput("lowBalanceThreshold is 0 or more credits.", field=["lowBalanceThreshold"])
