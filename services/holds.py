"""Holds: set credits aside, spend from them, give them back; and payouts, which lock credits until they are paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4

from db import holds as queries
from db import ledger
from db import payouts as payout_queries
from db import wallets as wallet_queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.holds import HoldKind, Overflow
from domain.inputs import check_credits, check_key, check_text, check_units, metadata_text
from domain.ledger import Outcome
from domain.limits import MAX_HOLD_SECONDS, MAX_REASON_CHARACTERS
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.outcomes import refusal
from services.wallets import require_wallet, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from db.database import Session
    from db.ledger import Posted
    from db.models.ledger import Hold, Wallet
    from domain.pages import Page
    from services.coffer import Coffer
    from services.requests import CaptureRequest, HoldRequest

SWEEP_WALLETS: Final = 500


class HoldResult(NamedTuple):
    """A hold and its wallet as the act left them."""

    hold: Hold
    wallet: Wallet


async def hold(coffer: Coffer, actor: Actor, request: HoldRequest) -> HoldResult:
    """Set credits aside, as many as named or as the units of a feature cost now. Raises the refusal."""
    actor.require(Permission.SPEND)
    check_key(request.idempotency_key)
    if (request.credits is None) == (request.feature is None):
        raise InvalidInput("Name credits or a feature, one of them.", field=["credits"])
    if request.credits is not None:
        check_credits(request.credits)
    else:
        check_text(request.feature or "", "feature")
        check_units(request.units)
    if not 1 <= request.seconds <= MAX_HOLD_SECONDS:
        raise InvalidInput(f"expiresInSeconds is 1 to {MAX_HOLD_SECONDS}.", field=["expiresInSeconds"])
    words = {
        "kind": HoldKind.SPEND,
        "credits": request.credits,
        "feature": request.feature,
        "units": None if request.feature is None else request.units,
        "seconds": request.seconds,
        "metadata": metadata_text(request.metadata),
    }
    return await _hold(coffer, actor, request.wallet, request.idempotency_key, words, request.feature or "")


async def hold_payout(
    coffer: Coffer, actor: Actor, wallet: UUID | None, credits: int, reason: str, idempotency_key: str
) -> HoldResult:
    """Lock credits for a payout until it is completed or released. Raises the refusal."""
    actor.require(Permission.PAY_OUT)
    check_key(idempotency_key)
    check_credits(credits)
    check_text(reason, "reason", MAX_REASON_CHARACTERS)
    words = {"credits": credits, "key": idempotency_key, "metadata": metadata_text({"reason": reason})}
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        held, _ = await lock_payout(coffer, session, actor, found, words)
        return HoldResult(held, await wallet_queries.read(session, found.id))


async def lock_payout(
    coffer: Coffer, session: Session, actor: Actor, wallet: Wallet, words: Mapping[str, Any]
) -> tuple[Hold, Posted]:
    """Lock credits of a wallet for a payout: credits, key and metadata (a JSON text). Raises the refusal."""
    nothing = {"feature": None, "units": None, "seconds": None}
    terms = _words(wallet, actor, words["key"]) | {"kind": HoldKind.PAYOUT, "hold": uuid4(), **nothing, **words}
    posted = await ledger.hold(session, terms)
    return (await _result(coffer, session, wallet.id, posted)).hold, posted


async def _hold(
    coffer: Coffer, actor: Actor, wallet: UUID | None, key: str, words: dict[str, Any], feature: str = ""
) -> HoldResult:
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        posted = await ledger.hold(session, _words(found, actor, key) | words | {"hold": uuid4()})
        return await _result(coffer, session, found.id, posted, feature)


async def capture_hold(coffer: Coffer, actor: Actor, request: CaptureRequest) -> HoldResult:
    """Spend from a hold; a final capture gives the rest back. Raises the refusal."""
    actor.require(Permission.SPEND)
    check_key(request.idempotency_key)
    if request.credits is not None and request.units is not None:
        raise InvalidInput("Name credits or quantity, not both.", field=["quantity"])
    if request.credits is not None:
        check_credits(request.credits)
    async with coffer.database.transaction() as session:
        row, wallet = await _require_hold(session, actor, request.hold, HoldKind.SPEND)
        if request.units is not None:
            check_units(request.units)
            if row.feature is None:
                raise InvalidInput("This hold names no feature: capture credits.", field=["quantity"])
        words = {"hold": row.uuid, "credits": request.credits, "units": request.units, "final": request.final}
        words["cap"] = request.overflow is Overflow.CAP
        posted = await ledger.capture(session, _words(wallet, actor, request.idempotency_key) | words)
        return await _result(coffer, session, wallet.id, posted)


async def release_hold(coffer: Coffer, actor: Actor, hold: UUID | None, idempotency_key: str) -> HoldResult:
    """Give back all that a hold still has set aside. Raises the refusal."""
    actor.require(Permission.SPEND)
    return await _close(coffer, actor, (hold, HoldKind.SPEND), idempotency_key, ledger.release)


async def release_payout(coffer: Coffer, actor: Actor, payout: UUID | None, idempotency_key: str) -> HoldResult:
    """Give the credits of a payout that will not happen back to the wallet. Raises the refusal."""
    actor.require(Permission.PAY_OUT)
    return await _close(coffer, actor, (payout, HoldKind.PAYOUT), idempotency_key, ledger.release)


async def complete_payout(coffer: Coffer, actor: Actor, payout: UUID | None, idempotency_key: str) -> HoldResult:
    """Take the credits of a payout that was paid out of the wallet for good. Raises the refusal."""
    actor.require(Permission.PAY_OUT)
    return await _close(coffer, actor, (payout, HoldKind.PAYOUT), idempotency_key, ledger.pay_out)


async def _close(
    coffer: Coffer,
    actor: Actor,
    hold: tuple[UUID | None, HoldKind],
    key: str,
    act: Callable[[Session, Mapping[str, Any]], Awaitable[Posted]],
) -> HoldResult:
    check_key(key)
    async with coffer.database.transaction() as session:
        row, wallet = await _require_hold(session, actor, *hold)
        if await payout_queries.of_hold(session, row.uuid) is not None:
            raise InvalidState("A provider sends the money of this payout, and closes it: see `payoutTransfers`.")
        posted = await act(session, _words(wallet, actor, key) | {"hold": row.uuid})
        return await _result(coffer, session, wallet.id, posted)


async def list_holds(coffer: Coffer, actor: Actor, wallet: UUID | None, kind: HoldKind, page: Page) -> Sequence[Hold]:
    """A wallet's holds or payouts, newest first. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return await queries.newest(session, found.id, kind, page)


async def sweep_expired(coffer: Coffer) -> None:
    """Do what is due in wallets that nobody touches; a spend settles its own wallet without waiting for this."""
    async with coffer.database.reading() as session:
        due = await wallet_queries.due(session, coffer.clock(), SWEEP_WALLETS)
    for wallet_id in due:
        await settle(coffer, wallet_id)


def _words(wallet: Wallet, actor: Actor, key: str) -> dict[str, Any]:
    return {"wallet_id": wallet.id, "key": key, "api_key_id": actor.api_key_id}


async def _require_hold(session: Session, actor: Actor, hold: UUID | None, kind: HoldKind) -> tuple[Hold, Wallet]:
    found = hold and await queries.find(session, actor.project_id, hold)
    if not found or found[0].kind is not kind:
        word = "hold" if kind is HoldKind.SPEND else "payout"
        raise NotFound(f"No such {word} in this project.", field=[f"{word}Id"])
    return found


async def _result(coffer: Coffer, session: Session, wallet_id: int, posted: Posted, feature: str = "") -> HoldResult:
    refused = refusal(posted.posting, feature)
    if refused is not None:
        raise refused
    if posted.outcome is Outcome.POSTED:
        await announce(coffer, session, wallet_id, posted.posting.posted_sequence - 1)
    found = await queries.by_uuid(session, UUID(posted.posting.source_id))
    return HoldResult(found, await wallet_queries.read(session, wallet_id))
