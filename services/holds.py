"""Holds: set credits aside, spend from them, give them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4

from db import holds as queries
from db import ledger
from db import transactions as transaction_queries
from db import wallets as wallet_queries
from db.rows import row_posting
from domain.errors import InvalidInput, NotFound
from domain.inputs import check_credits, check_key, metadata_text
from domain.ledger import Outcome
from domain.limits import MAX_HOLD_SECONDS
from domain.permissions import Actor, Permission
from services.feed import posting_messages
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.ledger import Posted
    from db.models.ledger import Hold, Wallet
    from services.coffer import Coffer

SWEEP_WALLETS: Final = 500


class HoldResult(NamedTuple):
    """A hold and its wallet as the act left them."""

    hold: Hold
    wallet: Wallet


async def hold(
    coffer: Coffer,
    actor: Actor,
    wallet: UUID | None,
    amount: tuple[int, int],
    idempotency_key: str,
    metadata: Mapping[str, Any] | None = None,
) -> HoldResult:
    """Set credits aside; `amount` is (credits, seconds until they go back by themselves). Raises the refusal."""
    actor.require(Permission.SPEND)
    credits, seconds = amount
    check_credits(credits)
    check_key(idempotency_key)
    if not 1 <= seconds <= MAX_HOLD_SECONDS:
        raise InvalidInput(f"expiresInSeconds is 1 to {MAX_HOLD_SECONDS}.", field=["expiresInSeconds"])
    words = {"hold": uuid4(), "credits": credits, "seconds": seconds, "metadata": metadata_text(metadata)}
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        posted = await ledger.hold(session, _words(found, actor, idempotency_key) | words)
        return await _result(coffer, session, found.id, posted)


async def capture_hold(
    coffer: Coffer, actor: Actor, hold: UUID | None, credits: int | None, idempotency_key: str, *, final: bool
) -> HoldResult:
    """Spend from a hold, all that is left when `credits` is None; `final` gives the rest back. Raises the refusal."""
    actor.require(Permission.SPEND)
    check_key(idempotency_key)
    if credits is not None:
        check_credits(credits)
    async with coffer.database.transaction() as session:
        row, wallet = await _require_hold(session, actor, hold)
        words = {"hold": row.uuid, "credits": credits, "final": final}
        posted = await ledger.capture(session, _words(wallet, actor, idempotency_key) | words)
        return await _result(coffer, session, wallet.id, posted)


async def release_hold(coffer: Coffer, actor: Actor, hold: UUID | None, idempotency_key: str) -> HoldResult:
    """Give back all that a hold still has set aside. Raises the refusal."""
    actor.require(Permission.SPEND)
    check_key(idempotency_key)
    async with coffer.database.transaction() as session:
        row, wallet = await _require_hold(session, actor, hold)
        posted = await ledger.release(session, _words(wallet, actor, idempotency_key) | {"hold": row.uuid})
        return await _result(coffer, session, wallet.id, posted)


async def sweep_expired(coffer: Coffer) -> None:
    """Give back what expired holds have set aside; a spend settles its own wallet without waiting for this."""
    async with coffer.database.reading() as session:
        due = await wallet_queries.with_expired_holds(session, coffer.clock(), SWEEP_WALLETS)
    for wallet_id in due:
        async with coffer.database.transaction() as session:
            before = (await wallet_queries.read(session, wallet_id)).sequence
            await ledger.settle(session, wallet_id)
            await _announce(coffer, session, wallet_id, before)


def _words(wallet: Wallet, actor: Actor, key: str) -> dict[str, Any]:
    return {"wallet_id": wallet.id, "key": key, "api_key_id": actor.api_key_id}


async def _require_hold(session: Session, actor: Actor, hold: UUID | None) -> tuple[Hold, Wallet]:
    found = hold and await queries.find(session, actor.project_id, hold)
    if not found:
        raise NotFound("No such hold in this project.", field=["holdId"])
    return found


async def _result(coffer: Coffer, session: Session, wallet_id: int, posted: Posted) -> HoldResult:
    refused = refusal(posted.posting)
    if refused is not None:
        raise refused
    if posted.outcome is Outcome.POSTED:
        await _announce(coffer, session, wallet_id, posted.posting.posted_sequence - 1)
    found = await queries.by_uuid(session, UUID(posted.posting.source_id))
    return HoldResult(found, await wallet_queries.read(session, wallet_id))


async def _announce(coffer: Coffer, session: Session, wallet_id: int, before: int) -> None:
    """Tell the feed of every row above a sequence: an act on a hold may write two."""
    wallet = await wallet_queries.read(session, wallet_id)
    rows = await transaction_queries.following(session, wallet_id, before, SWEEP_WALLETS)
    messages = []
    for row in rows:
        messages += posting_messages(wallet, row, row_posting(row))
    session.after_commit(lambda: coffer.hub.publish_many(messages))
