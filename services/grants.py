"""Movements by hand: bonus credits and admin adjustments; and the one way to post a movement and tell the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import ledger
from db import wallets as wallet_queries
from domain.errors import InvalidInput
from domain.inputs import check_credits, check_key, check_text
from domain.ledger import ROUTES, Outcome, TransactionSource, TransactionType, adjustment_route
from domain.limits import MAX_REASON_CHARACTERS
from domain.permissions import Actor, Permission
from services.feed import posting_messages
from services.outcomes import refusal
from services.spending import Spend
from services.wallets import require_wallet

if TYPE_CHECKING:
    from uuid import UUID

    from db.database import Session
    from db.ledger import Movement
    from services.coffer import Coffer


async def grant_credits(
    coffer: Coffer, actor: Actor, wallet: UUID | None, amount: int, reason: str, idempotency_key: str
) -> Spend:
    """Give bonus credits. InvalidInput, NotFound, IdempotencyConflict."""
    actor.require(Permission.GRANT)
    check_credits(amount)
    kind = TransactionType.BONUS_CREDIT
    words = {"type": kind, "source": TransactionSource.GRANT, "route": ROUTES[kind]}
    return await _move(coffer, actor, wallet, reason, {**words, "amount": amount, "key": idempotency_key})


async def adjust_credits(
    coffer: Coffer, actor: Actor, wallet: UUID | None, amount: int, reason: str, idempotency_key: str
) -> Spend:
    """Correct a balance: a positive amount gives credits, a negative one takes them. InsufficientCredits and others."""
    actor.require(Permission.GRANT)
    if amount == 0:
        raise InvalidInput("credits is not 0.", field=["credits"])
    check_credits(abs(amount))
    kind = TransactionType.ADMIN_ADJUSTMENT
    words = {"type": kind, "source": TransactionSource.ADJUSTMENT, "route": adjustment_route(amount)}
    return await _move(coffer, actor, wallet, reason, {**words, "amount": abs(amount), "key": idempotency_key})


async def _move(coffer: Coffer, actor: Actor, wallet: UUID | None, reason: str, words: dict[str, Any]) -> Spend:
    check_key(words["key"])
    check_text(reason, "reason", MAX_REASON_CHARACTERS)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        movement = ledger.Movement(wallet=found, api_key_id=actor.api_key_id, metadata={"reason": reason}, **words)
        return await post(coffer, session, movement)


async def post(coffer: Coffer, session: Session, movement: Movement) -> Spend:
    """Post a movement in an open transaction; the feed hears of it after the commit. Raises the refusal."""
    posted = await ledger.post(session, movement)
    refused = refusal(posted.posting)
    if refused is not None:
        raise refused
    wallet = await wallet_queries.read(session, movement.wallet.id)
    row = ledger.transaction_row(movement, posted)
    if posted.outcome is Outcome.POSTED:
        messages = posting_messages(wallet, row, posted.posting)
        session.after_commit(lambda: coffer.hub.publish_many(messages))
    return Spend(row, wallet, posted.replayed)
