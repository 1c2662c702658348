"""Paying credits out in money: they are locked first, then the provider is asked, then what it says is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from db import events as event_queries
from db import ledger
from db import payouts as queries
from db import wallets as wallet_queries
from db.models.payouts import PayoutTransfer
from domain.errors import IdempotencyConflict, InvalidState, NotFound
from domain.inputs import check_key, check_text, metadata_text
from domain.jobs import Queue
from domain.ledger import SYSTEM_KEY, Account, Outcome, TransactionSource, TransactionType
from domain.limits import MAX_REASON_CHARACTERS
from domain.payouts import ENDED, OPEN, BeneficiaryStatus, PayoutStatus, next_status, payout_minor
from domain.permissions import Actor, Permission
from domain.purchases import CURRENCY
from gateways.base import GatewayRefused
from gateways.payouts import Transfer, TransferRequest
from services.announcing import announce
from services.beneficiaries import require_beneficiary
from services.grants import post
from services.holds import lock_payout
from services.jobs import RetryLater, enqueue, nothing
from services.notifications import notify_payout
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.payouts import Beneficiary
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect
    from services.requests import PayoutRequest

WATCH_SECONDS: Final = 60
"""After that long the provider is asked about a transfer of which no message has come."""

LONGEST_WATCH_SECONDS: Final = 6 * 3600.0
"""A transfer that is on its way is asked about at least that often."""

REVERSAL_WATCH_SECONDS: Final = (24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)
"""When a transfer that succeeded is asked about again: banks send money back within days."""


class PayoutMismatch(Exception):
    """What the provider says can't be of this payout; somebody has to look, so the job ends up dead and visible."""


async def request_payout(coffer: Coffer, actor: Actor, request: PayoutRequest) -> PayoutTransfer:
    """Lock credits and have their price sent to a beneficiary; the same key gives the same payout.

    InvalidInput, NotFound, InvalidState, IdempotencyConflict, and the refusals of the ledger.
    """
    actor.require(Permission.PAY_OUT)
    check_key(request.idempotency_key)
    check_text(request.reason, "reason", MAX_REASON_CHARACTERS)
    amount_minor = payout_minor(request.credits)
    async with coffer.database.transaction() as session:
        wallet = await require_wallet(session, actor, request.wallet)
        beneficiary = await require_beneficiary(session, actor, request.beneficiary)
        if beneficiary.wallet_id != wallet.id:
            raise NotFound("This wallet has no such beneficiary: see `beneficiaries`.", field=["beneficiaryId"])
        held, posted = await lock_payout(coffer, session, actor, wallet, _terms(request))
        if posted.replayed:
            return await _known(session, held.uuid)
        if beneficiary.status is not BeneficiaryStatus.VERIFIED:
            raise InvalidState(f"This beneficiary is {beneficiary.status.name}: only a VERIFIED one is paid.")
        row = PayoutTransfer(
            hold_uuid=held.uuid, amount_minor=amount_minor, **_of(beneficiary), credits=request.credits
        )
        row.reason = request.reason
        session.add(row)
        await session.flush()
        await _follow(coffer, session, row, 0)
        return await queries.lock(session, row.uuid)


async def list_transfers(
    coffer: Coffer, actor: Actor, wallet: UUID | None, status: PayoutStatus | None, page: Page
) -> Sequence[PayoutTransfer]:
    """Payouts that a provider sends, of the project or of one wallet, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, wallet, status, page)


async def follow(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `payout.follow`: send what was not sent, ask about what was, and again about what may yet come back."""
    async with coffer.database.reading() as session:
        row = await queries.transfer(session, UUID(payload["payout"]))
    if row is None or row.status in ENDED:
        return nothing
    told = await _send(coffer, row) if row.status is PayoutStatus.REQUESTED else await _fetch(coffer, row)
    if told.status is row.status is PayoutStatus.PENDING:
        raise RetryLater("The provider has not decided yet.", at_most_seconds=LONGEST_WATCH_SECONDS)

    async def effect(session: Session) -> None:
        await advance(coffer, session, row.uuid, told)

    return effect


async def act_on_event(coffer: Coffer, event: GatewayEvent) -> Effect:
    """Act on a message about a transfer: it is only a hint, the provider's answer decides."""
    row = await _of_event(coffer, event)
    told = row and await _fetch(coffer, row)

    async def effect(session: Session) -> None:
        word = await advance(coffer, session, row.uuid, told) if row and told else "not ours"
        await event_queries.mark(session, event, word)

    return effect


async def advance(coffer: Coffer, session: Session, payout: UUID, told: Transfer) -> str:
    """Bring a payout to what its provider says, in any order of arrival; the words say what was done."""
    row = await queries.lock(session, payout)
    status = _checked(row, told)
    row.transfer_id, row.utr = told.transfer_id or row.transfer_id, told.utr or row.utr
    if status is None:
        return "known"
    was_open, row.status = row.status in OPEN, status
    if status is PayoutStatus.PENDING:
        await _follow(coffer, session, row, WATCH_SECONDS)
        return "payout pending"
    row.completed_at, row.failure_reason = coffer.clock(), told.failure_reason
    await session.flush()
    if status is PayoutStatus.SUCCEEDED:
        await _close(coffer, session, row, pays=True)
        for seconds in REVERSAL_WATCH_SECONDS:
            await _follow(coffer, session, row, seconds)
    elif was_open:
        await _close(coffer, session, row, pays=False)
    else:
        await _restore(coffer, session, row)
    await notify_payout(coffer, session, row)
    return f"payout {status.name.lower()}"


def _terms(request: PayoutRequest) -> dict[str, Any]:
    about = {"reason": request.reason, "beneficiary": request.beneficiary and request.beneficiary.hex}
    return {"credits": request.credits, "key": request.idempotency_key, "metadata": metadata_text(about)}


def _of(beneficiary: Beneficiary) -> dict[str, Any]:
    """What a new transfer has of its beneficiary."""
    words = {name: getattr(beneficiary, name) for name in ("project_id", "wallet_id", "wallet_uuid", "gateway")}
    words |= {"beneficiary_row_id": beneficiary.id, "beneficiary_uuid": beneficiary.uuid}
    return words | {"uuid": uuid4(), "status": PayoutStatus.REQUESTED, "currency": CURRENCY}


async def _known(session: Session, hold: UUID) -> PayoutTransfer:
    found = await queries.of_hold(session, hold)
    if found is None:
        raise IdempotencyConflict
    return found


async def _send(coffer: Coffer, row: PayoutTransfer) -> Transfer:
    words = (row.uuid.hex, row.beneficiary_uuid.hex, row.amount_minor, row.currency, "Payout of credits")
    try:
        return await coffer.payer(row.gateway).send_transfer(TransferRequest(*words))
    except GatewayRefused as refused:
        return Transfer(row.uuid.hex, "", row.amount_minor, PayoutStatus.FAILED, failure_reason=str(refused))


async def _fetch(coffer: Coffer, row: PayoutTransfer) -> Transfer:
    return await coffer.payer(row.gateway).fetch_transfer(row.uuid.hex)


async def _of_event(coffer: Coffer, event: GatewayEvent) -> PayoutTransfer | None:
    try:
        uuid = UUID(event.order_id or "")
    except ValueError:
        return None
    async with coffer.database.transaction() as session:
        row = await queries.transfer(session, uuid)
        if row is None or row.gateway != event.gateway:
            return None
        await event_queries.belongs_to(session, event, row.project_id)
        return row


def _checked(row: PayoutTransfer, told: Transfer) -> PayoutStatus | None:
    if (told.reference, told.amount_minor) != (row.uuid.hex, row.amount_minor):
        raise PayoutMismatch(f"Asked for {row.amount_minor} minor units, {told.amount_minor} were told.")
    try:
        return next_status(row.status, told.status)
    except ValueError as fault:
        raise PayoutMismatch(str(fault)) from fault


async def _close(coffer: Coffer, session: Session, row: PayoutTransfer, *, pays: bool) -> None:
    """Take the locked credits out of the wallet for good, or give them back."""
    act, word = (ledger.pay_out, "sent") if pays else (ledger.release, "released")
    words = {"wallet_id": row.wallet_id, "hold": row.hold_uuid, "key": f"payout:{row.uuid}:{word}", "api_key_id": None}
    posted = await act(session, words, SYSTEM_KEY)
    if posted.outcome is not Outcome.POSTED:
        raise PayoutMismatch(f"The credits of this payout were closed by hand: {posted.outcome.name}.")
    await announce(coffer, session, row.wallet_id, posted.posting.posted_sequence - 1)


async def _restore(coffer: Coffer, session: Session, row: PayoutTransfer) -> None:
    """Put the credits of money that came back into the wallet again, as a lot of their own."""
    movement = ledger.Movement(
        wallet=await wallet_queries.read(session, row.wallet_id),
        type=TransactionType.PAYOUT_RELEASE,
        source=TransactionSource.PAYOUT,
        route=(Account.PAYOUTS, Account.AVAILABLE),
        amount=row.credits,
        key=f"payout:{row.uuid}:reversed",
        key_space=SYSTEM_KEY,
        source_id=str(row.hold_uuid),
    )
    await post(coffer, session, movement)


async def _follow(coffer: Coffer, session: Session, row: PayoutTransfer, seconds: float) -> None:
    payload = {"payout": row.uuid.hex, "project_id": row.project_id}
    key = f"payout:{row.uuid.hex}:{row.status.name.lower()}:{seconds:.0f}"
    work = (Queue.SETTLEMENTS_PROCESSING, "payout.follow", payload)
    await enqueue(coffer, session, work, delay_seconds=seconds, key=key)
