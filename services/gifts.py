"""Gifts: credits that leave a wallet and wait until another claims them, they are revoked, or they expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID, uuid4

from db import gifts as queries
from db import moves
from db import wallets as wallet_queries
from domain.errors import InvalidInput, NotFound
from domain.gifts import MAX_GIFT_SECONDS, MAX_MESSAGE_CHARACTERS, GiftStatus
from domain.inputs import check_credits, check_key, check_text
from domain.ledger import Outcome
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.controls import Gift
    from db.models.ledger import Wallet
    from domain.pages import Page
    from services.coffer import Coffer
    from services.requests import GiftRequest

SWEEP_GIFTS: Final = 200


class GiftResult(NamedTuple):
    """A gift and the wallet that the act changed, as it left them."""

    gift: Gift
    wallet: Wallet


async def send_gift(coffer: Coffer, actor: Actor, request: GiftRequest) -> GiftResult:
    """Take credits out of a wallet as a gift. Raises the refusal."""
    actor.require(Permission.MOVE)
    check_credits(request.credits)
    check_key(request.idempotency_key)
    if request.message is not None:
        check_text(request.message, "message", MAX_MESSAGE_CHARACTERS)
    if not 1 <= request.seconds <= MAX_GIFT_SECONDS:
        raise InvalidInput(f"expiresInSeconds is 1 to {MAX_GIFT_SECONDS}.", field=["expiresInSeconds"])
    async with coffer.database.transaction() as session:
        giver = await require_wallet(session, actor, request.wallet)
        taker = None if request.to is None else await require_wallet(session, actor, request.to)
        words = {"wallet_id": giver.id, "gift": uuid4(), "to_wallet_id": taker and taker.id, "amount": request.credits}
        words |= {"seconds": request.seconds, "message": request.message, "key": request.idempotency_key}
        posted = await moves.give(session, words | {"api_key_id": actor.api_key_id})
        refused = refusal(posted.posting)
        if refused is not None:
            raise refused
        wallet = await wallet_queries.read(session, giver.id)
        if posted.outcome is Outcome.POSTED:
            wallet = await announce(coffer, session, giver.id, posted.posting.posted_sequence - 1)
        return GiftResult(await _require(session, actor, UUID(posted.posting.source_id)), wallet)


async def claim_gift(coffer: Coffer, actor: Actor, gift: UUID | None, wallet: UUID | None) -> GiftResult:
    """Put a gift into a wallet; its credits keep their expiry. Claiming again changes nothing. Raises the refusal."""
    actor.require(Permission.MOVE)
    async with coffer.database.transaction() as session:
        row = await _require(session, actor, gift)
        taker = await require_wallet(session, actor, wallet)
        posted = await moves.claim(session, row.uuid, taker.id)
        refused = refusal(posted.posting)
        if refused is not None:
            raise refused
        after = await announce(coffer, session, taker.id, taker.sequence)
        return GiftResult(await _require(session, actor, row.uuid), after)


async def revoke_gift(coffer: Coffer, actor: Actor, gift: UUID | None) -> GiftResult:
    """Give a gift that nobody claimed back to its giver. Raises the refusal."""
    actor.require(Permission.MOVE)
    async with coffer.database.transaction() as session:
        row = await _require(session, actor, gift)
        return await _take_back(coffer, session, row, GiftStatus.REVOKED)


async def list_gifts(coffer: Coffer, actor: Actor, page: Page) -> Sequence[Gift]:
    """The project's gifts, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, page)


async def sweep_gifts(coffer: Coffer) -> None:
    """Give gifts that nobody claimed in time back to their givers."""
    async with coffer.database.reading() as session:
        expired = await queries.expired(session, coffer.clock(), SWEEP_GIFTS)
    for row in expired:
        async with coffer.database.transaction() as session:
            before = (await wallet_queries.read(session, row.wallet_id)).sequence
            await moves.take_back(session, row.uuid, GiftStatus.EXPIRED)
            await announce(coffer, session, row.wallet_id, before)


async def _take_back(coffer: Coffer, session: Session, row: Gift, status: GiftStatus) -> GiftResult:
    before = (await wallet_queries.read(session, row.wallet_id)).sequence
    posted = await moves.take_back(session, row.uuid, status)
    refused = refusal(posted.posting)
    if refused is not None:
        raise refused
    wallet = await announce(coffer, session, row.wallet_id, before)
    found = await queries.find(session, row.project_id, row.uuid)
    return GiftResult(found or row, wallet)


async def _require(session: Session, actor: Actor, gift: UUID | None) -> Gift:
    found = gift and await queries.find(session, actor.project_id, gift)
    if not found:
        raise NotFound("No such gift in this project: see `gifts`.", field=["giftId"])
    return found
