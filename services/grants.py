"""Movements by hand: credits given as lots, admin adjustments; and the one way to post a movement and tell the feed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from db import ledger, moves
from domain.errors import InvalidInput
from domain.inputs import check_credits, check_key, check_text
from domain.ledger import ROUTES, Outcome, TransactionSource, TransactionType, adjustment_route
from domain.limits import MAX_REASON_CHARACTERS
from domain.lots import MAX_PRIORITY, LotSource
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.outcomes import refusal
from services.spending import Spend
from services.wallets import require_wallet

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from db.ledger import Movement
    from db.models.ledger import Wallet
    from services.coffer import Coffer
    from services.requests import GrantRequest


async def grant_credits(coffer: Coffer, actor: Actor, request: GrantRequest) -> Spend:
    """Give credits as a lot of their own. InvalidInput, NotFound, IdempotencyConflict."""
    actor.require(Permission.GRANT)
    check_credits(request.credits)
    check_key(request.idempotency_key)
    check_text(request.reason, "reason", MAX_REASON_CHARACTERS)
    _check_terms(request, coffer.clock())
    kind = TransactionType.BONUS_CREDIT
    if request.source is LotSource.SUBSCRIPTION:
        kind = TransactionType.SUBSCRIPTION_GRANT
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, request.wallet)
        words = {
            "wallet_id": found.id,
            "type": kind,
            "source": TransactionSource.GRANT,
            "from_account": ROUTES[TransactionType.BONUS_CREDIT][0],
            "amount": request.credits,
            "key": request.idempotency_key,
            "source_id": None,
            "api_key_id": actor.api_key_id,
            "metadata": json.dumps({"reason": request.reason}),
            "lot_source": request.source,
            "priority": request.priority,
            "effective_at": request.effective_at,
            "expires_at": request.expires_at,
        }
        return await posted_spend(coffer, session, found, await moves.grant(session, words))


async def adjust_credits(
    coffer: Coffer, actor: Actor, wallet: UUID | None, amount: int, reason: str, idempotency_key: str
) -> Spend:
    """Correct a balance: a positive amount gives credits, a negative one takes them. InsufficientCredits and others."""
    actor.require(Permission.GRANT)
    if amount == 0:
        raise InvalidInput("credits is not 0.", field=["credits"])
    check_credits(abs(amount))
    check_key(idempotency_key)
    check_text(reason, "reason", MAX_REASON_CHARACTERS)
    async with coffer.database.transaction() as session:
        movement = ledger.Movement(
            wallet=await require_wallet(session, actor, wallet),
            type=TransactionType.ADMIN_ADJUSTMENT,
            source=TransactionSource.ADJUSTMENT,
            route=adjustment_route(amount),
            amount=abs(amount),
            key=idempotency_key,
            api_key_id=actor.api_key_id,
            metadata={"reason": reason},
        )
        return await post(coffer, session, movement)


async def post(coffer: Coffer, session: Session, movement: Movement) -> Spend:
    """Post a movement in an open transaction; the feed hears of it after the commit. Raises the refusal."""
    return await posted_spend(coffer, session, movement.wallet, await ledger.post(session, movement))


async def posted_spend(coffer: Coffer, session: Session, wallet: Wallet, posted: ledger.Posted) -> Spend:
    """The ledger's row of an answer of the engine, announced; raises the refusal."""
    refused = refusal(posted.posting)
    if refused is not None:
        raise refused
    if posted.outcome is Outcome.POSTED:
        wallet = await announce(coffer, session, wallet.id, posted.posting.posted_sequence - 1)
    return Spend(await ledger.row_of(session, wallet.id, posted), wallet, posted.replayed)


def _check_terms(request: GrantRequest, now: datetime) -> None:
    if not 0 <= request.priority <= MAX_PRIORITY:
        raise InvalidInput(f"priority is 0 to {MAX_PRIORITY}.", field=["priority"])
    if request.source is LotSource.PURCHASED:
        raise InvalidInput("Purchased credits come from purchases: name another source.", field=["source"])
    times = (request.effective_at, request.expires_at)
    if any(time is not None and time.tzinfo is None for time in times):
        raise InvalidInput("Times need an offset, such as Z.", field=["expiresAt"])
    if request.expires_at is not None and request.expires_at <= max(now, request.effective_at or now):
        raise InvalidInput("expiresAt lies after now and after effectiveAt.", field=["expiresAt"])
