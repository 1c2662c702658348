"""Moving credits between wallets of a project, and freezing wallets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from db import ledger, moves
from db import wallets as wallet_queries
from domain.errors import InvalidInput
from domain.inputs import check_credits, check_key, check_text, metadata_text
from domain.ledger import Outcome
from domain.limits import MAX_REASON_CHARACTERS
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.feed import settings_message
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from db.database import Session
    from db.models.ledger import Wallet
    from services.coffer import Coffer


class Transfer(NamedTuple):
    """The row of the wallet that gave, and both wallets after it."""

    transaction: Any
    wallet: Wallet
    to_wallet: Wallet
    replayed: bool


async def transfer_credits(
    coffer: Coffer,
    actor: Actor,
    wallets: tuple[UUID | None, UUID | None],
    amount: int,
    reason: str,
    idempotency_key: str,
) -> Transfer:
    """Move credits from the first wallet to the second; each credit keeps its expiry. Raises the refusal."""
    actor.require(Permission.MOVE)
    check_credits(amount)
    check_key(idempotency_key)
    check_text(reason, "reason", MAX_REASON_CHARACTERS)
    if wallets[0] == wallets[1]:
        raise InvalidInput("The two wallets are the same one.", field=["toWalletId"])
    async with coffer.database.transaction() as session:
        giver, taker = [await require_wallet(session, actor, wallet) for wallet in wallets]
        words = {"wallet_id": giver.id, "to_wallet_id": taker.id, "amount": amount, "key": idempotency_key}
        words |= {"api_key_id": actor.api_key_id, "metadata": metadata_text({"reason": reason})}
        before = taker.sequence
        posted = await moves.transfer(session, words)
        refused = refusal(posted.posting)
        if refused is not None:
            raise refused
        row = await ledger.row_of(session, giver.id, posted)
        if posted.outcome is Outcome.POSTED:
            giver = await announce(coffer, session, giver.id, posted.posting.posted_sequence - 1)
            taker = await announce(coffer, session, taker.id, before)
        return Transfer(row, giver, taker, posted.replayed)


async def freeze_wallet(coffer: Coffer, actor: Actor, wallet: UUID | None, reason: str) -> Wallet:
    """Refuse every spend, hold, transfer and payout of a wallet until it is unfrozen. NotFound, InvalidInput."""
    check_text(reason, "reason", MAX_REASON_CHARACTERS)
    return await _set(coffer, actor, wallet, lambda session, found: moves.freeze(session, found, reason))


async def unfreeze_wallet(coffer: Coffer, actor: Actor, wallet: UUID | None) -> Wallet:
    """Allow them again. NotFound."""
    return await _set(coffer, actor, wallet, lambda session, found: moves.freeze(session, found, None))


async def _set(
    coffer: Coffer, actor: Actor, wallet: UUID | None, act: Callable[[Session, int], Awaitable[None]]
) -> Wallet:
    actor.require(Permission.MANAGE_WALLETS)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        await act(session, found.id)
        changed = await wallet_queries.read(session, found.id)
        session.after_commit(lambda: coffer.hub.publish_many([settings_message(changed)]))
    return changed
