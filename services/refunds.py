"""Giving money back: the credits are taken first, then the provider is asked, then the outcome is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from db import moves
from db import purchases as queries
from db import wallets as wallet_queries
from db.models.purchases import Refund
from domain.errors import IdempotencyConflict, InvalidState, NotFound
from domain.inputs import check_key
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import PurchaseStatus, refund_share, require_transition
from gateways.base import GatewayRefused, RefundRequest
from services.announcing import announce
from services.jobs import enqueue
from services.purchases import changed, get_purchase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import Purchase
    from services.coffer import Coffer
    from services.jobs import Effect


async def refund_purchase(
    coffer: Coffer, actor: Actor, purchase: UUID | None, amount_minor: int | None, idempotency_key: str
) -> Purchase:
    """Refund a paid purchase, in part or (None) all that is left: paise of the amount, tax and fee in proportion.

    The credits, bonus in proportion, leave the wallet at once; those that were spent become a debt. The purchase
    is REFUNDED when the provider has confirmed that all of it went back.
    """
    actor.require(Permission.REFUND)
    check_key(idempotency_key)
    found = await get_purchase(coffer, actor, purchase)
    async with coffer.database.transaction() as session:
        row = found and await queries.lock(session, found.uuid)
        if not row:
            raise NotFound("No such purchase in this project: see `purchases`.", field=["id"])
        known = await queries.refund_by_key(session, row.id, idempotency_key)
        if known is not None:
            if amount_minor not in {None, known.amount_minor}:
                raise IdempotencyConflict
            return row
        if row.status is not PurchaseStatus.SUCCESS:
            raise InvalidState(f"Only a paid purchase can be refunded; this one is {row.status.name}.")
        await _begin(coffer, session, row, amount_minor or row.amount_minor - row.refunded_minor, idempotency_key)
    return row


async def send_refund(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `refund.send`: ask the provider; when it refuses, the credits go back to the wallet."""
    uuid = UUID(payload["refund"])
    async with coffer.database.reading() as session:
        found = await queries.refund(session, uuid)
    if found is None or found[0].completed_at is not None:
        return _nothing
    refund, purchase = found
    words = (refund.uuid.hex, purchase.order_id or "", refund.total_minor, purchase.currency, purchase.payment_id)
    request = RefundRequest(*words)
    try:
        refund_id = await coffer.gateway(purchase.gateway).refund(request)
    except GatewayRefused as refused:
        return _refused(coffer, uuid, str(refused))
    return _completed(coffer, uuid, refund_id)


async def refund_surplus(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `refund.surplus`: send back a payment too many. A refusal leaves the job dead, for somebody to look."""
    async with coffer.database.reading() as session:
        found = await queries.surplus(session, payload["surplus"])
    if found is None or found.completed_at is not None:
        return _nothing
    reference = uuid5(NAMESPACE_OID, f"surplus:{found.gateway}:{found.payment_id}").hex
    request = RefundRequest(reference, found.order_id, found.total_minor, found.currency, found.payment_id)
    refund_id = await coffer.gateway(found.gateway).refund(request)

    async def effect(session: Session) -> None:
        row = await queries.surplus(session, payload["surplus"])
        if row is not None and row.completed_at is None:
            row.refund_id, row.completed_at = refund_id, coffer.clock()

    return effect


async def _begin(coffer: Coffer, session: Session, row: Purchase, amount_minor: int, key: str) -> None:
    part = refund_share(row.quote, row.refunded_minor, amount_minor)
    credits = part.purchased_credits + part.bonus_credits
    refund = Refund(uuid=uuid4(), purchase_id=row.id, amount_minor=amount_minor, total_minor=part.total_minor)
    refund.credits, refund.idempotency_key = credits, key
    session.add(refund)
    row.refunded_minor += amount_minor
    await changed(coffer, session, row)
    await _take(coffer, session, refund, row)
    payload = {"refund": refund.uuid.hex, "project_id": row.project_id}
    await enqueue(coffer, session, (Queue.REFUND_PROCESSING, "refund.send", payload))


async def _take(coffer: Coffer, session: Session, refund: Refund, row: Purchase) -> None:
    """Take the refund's credits from the wallet; what was spent already becomes a debt that the next purchase pays."""
    if not refund.credits:
        return
    words = {"wallet_id": row.wallet_id, "amount": refund.credits, "key": f"refund:{refund.uuid}:taken"}
    posted = await moves.claw_back(session, words | {"source_id": f"pur_{row.uuid.hex}"})
    refund.shortfall_credits = posted.posting.required_credits
    await announce(coffer, session, row.wallet_id, posted.posting.posted_sequence - 1)


async def _return(coffer: Coffer, session: Session, refund: Refund, row: Purchase) -> None:
    """Give them back: first the debt is cancelled, then the rest goes into the wallet."""
    if not refund.credits:
        return
    before = (await wallet_queries.read(session, row.wallet_id)).sequence
    words: dict[str, Any] = {"wallet_id": row.wallet_id, "amount": refund.credits}
    words |= {"shortfall": refund.shortfall_credits}
    words |= {"key": f"refund:{refund.uuid}:returned", "source_id": f"pur_{row.uuid.hex}"}
    await moves.undo_claw_back(session, words)
    await announce(coffer, session, row.wallet_id, before)


def _completed(coffer: Coffer, uuid: UUID, refund_id: str) -> Effect:
    async def effect(session: Session) -> None:
        found = await queries.refund(session, uuid)
        if found is None or found[0].completed_at is not None:
            return
        refund, row = found
        refund.refund_id, refund.completed_at = refund_id, coffer.clock()
        if row.refunded_minor == row.amount_minor and await queries.open_refunds(session, row.id) == 0:
            require_transition(row.status, PurchaseStatus.REFUNDED)
            row.status = PurchaseStatus.REFUNDED
        await changed(coffer, session, row)

    return effect


def _refused(coffer: Coffer, uuid: UUID, reason: str) -> Effect:
    async def effect(session: Session) -> None:
        found = await queries.refund(session, uuid)
        if found is None or found[0].completed_at is not None:
            return
        refund, row = found
        refund.completed_at = coffer.clock()
        row.refunded_minor -= refund.amount_minor
        row.failure_reason = f"The refund was refused: {reason}"
        await changed(coffer, session, row)
        await _return(coffer, session, refund, row)

    return effect


async def _nothing(_session: Session) -> None:
    """The effect of a job that has nothing left to do."""
