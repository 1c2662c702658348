"""Giving money back: the credits are taken first, then the provider is asked, then what it says is recorded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from db import purchases as purchase_queries
from db import refunds as queries
from db.models.refunds import Refund
from domain.errors import IdempotencyConflict, InvalidState, NotFound
from domain.happenings import Happening
from domain.inputs import check_key
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import PurchaseStatus
from domain.refunds import RefundOrigin, RefundStatus, Share, share_of_amount
from gateways.base import GatewayRefused, ProviderRefund, RefundRequest
from services import split_refunds
from services.clawbacks import give_back, take
from services.happenings import happened
from services.jobs import enqueue, nothing
from services.purchases import changed, get_purchase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect

WATCH_SECONDS = 60
"""After that long the provider is asked how an undecided refund or dispute stands."""


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
        row = found and await purchase_queries.lock(session, found.uuid)
        if not row:
            raise NotFound("No such purchase in this project: see `purchases`.", field=["id"])
        known = await queries.refund_by_key(session, row.id, idempotency_key)
        if known is not None:
            if amount_minor not in {None, known.amount_minor}:
                raise IdempotencyConflict
            return row
        share = await _wanted(session, row, amount_minor)
        refund = await begin(coffer, session, row, share, idempotency_key=idempotency_key)
        await split_refunds.plan(session, row, refund)
        payload = {"refund": refund.uuid.hex, "project_id": row.project_id}
        await enqueue(coffer, session, (Queue.REFUND_PROCESSING, "refund.send", payload))
    return row


async def list_refunds(coffer: Coffer, actor: Actor, purchase: UUID | None, page: Page) -> Sequence[Refund]:
    """Refunds of the project or of one purchase, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest_refunds(session, actor.project_id, purchase, page)


async def send_refund(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `refund.send`: ask the provider; when it refuses, the credits go back to the wallet."""
    async with coffer.database.reading() as session:
        refund = await queries.refund(session, UUID(payload["refund"]))
        purchase = refund and await purchase_queries.by_uuid(session, refund.purchase_uuid)
        if not refund or not purchase or refund.status is not RefundStatus.REQUESTED:
            return nothing
        parts = await split_refunds.parts_of(session, refund)
    words = (refund.uuid.hex, purchase.order_id or "", refund.total_minor, purchase.currency, purchase.payment_id)
    try:
        told = await coffer.gateway(purchase.gateway).refund(RefundRequest(*words, parts))
    except GatewayRefused as refused:
        told = ProviderRefund(
            "", refund.uuid.hex, refund.total_minor, refund.currency, RefundStatus.FAILED, str(refused)
        )

    async def effect(session: Session) -> None:
        row = await purchase_queries.lock(session, purchase.uuid)
        mine = await queries.refund(session, refund.uuid)
        if row is not None and mine is not None:
            await advance(coffer, session, row, mine, told)

    return effect


async def begin(coffer: Coffer, session: Session, row: Purchase, share: Share, **words: object) -> Refund:
    """Write a refund of part of a locked purchase and take its credits."""
    refund = Refund(uuid=uuid4(), total_minor=share.total_minor, **asdict(share), **of_purchase(row), **words)
    refund.status = RefundStatus.REQUESTED
    session.add(refund)
    row.refunded_minor += share.amount_minor
    await changed(coffer, session, row)
    refund.shortfall_credits = await take(coffer, session, row, refund.credits, f"refund:{refund.uuid}:taken")
    await happened(coffer, session, Happening.REFUND_REQUESTED, row, {"refund": refund.uuid})
    return refund


async def advance(coffer: Coffer, session: Session, row: Purchase, refund: Refund, told: ProviderRefund) -> None:
    """Bring a refund of a locked purchase to what the provider says, in any order of arrival."""
    refund.refund_id = told.refund_id or refund.refund_id
    if told.status <= refund.status:
        return
    refund.status, refund.failure_reason = told.status, told.failure_reason
    if told.status is RefundStatus.PENDING:
        await watch(coffer, session, row)
        return
    refund.completed_at = coffer.clock()
    await (_succeeded if told.status is RefundStatus.SUCCEEDED else fail)(coffer, session, row, refund)


async def watch(coffer: Coffer, session: Session, row: Purchase, *, at_once: bool = False) -> None:
    """Have the provider asked until everything that goes back of a purchase is decided, also when no message comes."""
    work = (Queue.REFUND_PROCESSING, "purchase.reversals", {"purchase": row.uuid.hex, "project_id": row.project_id})
    await enqueue(coffer, session, work, delay_seconds=0 if at_once else WATCH_SECONDS, key=f"reversals:{row.uuid}")


async def fail(coffer: Coffer, session: Session, row: Purchase, refund: Refund) -> None:
    """Return the credits of a refund that came to nothing, even one that the bank sent back after it had succeeded."""
    row.refunded_minor -= refund.amount_minor
    await split_refunds.give_again(session, refund)
    if row.status is PurchaseStatus.REFUNDED:
        row.status = PurchaseStatus.SUCCESS
    if refund.origin is RefundOrigin.PROJECT:
        row.failure_reason = f"The refund was refused: {refund.failure_reason}"
    await changed(coffer, session, row)
    key, shortfall = f"refund:{refund.uuid}:returned", refund.shortfall_credits
    await give_back(coffer, session, row, refund.credits, key, shortfall=shortfall)
    await happened(coffer, session, Happening.REFUND_FAILED, row, {"refund": refund.uuid})


async def _succeeded(coffer: Coffer, session: Session, row: Purchase, refund: Refund) -> None:
    on_their_way, _ = await queries.open_parts(session, row.id)
    if row.refunded_minor == row.amount_minor and not on_their_way:
        row.status = PurchaseStatus.REFUNDED
    await changed(coffer, session, row)
    await happened(coffer, session, Happening.REFUND_SUCCEEDED, row, {"refund": refund.uuid})


async def _wanted(session: Session, row: Purchase, amount_minor: int | None) -> Share:
    """The part that a project asks to give back. InvalidState, InvalidInput."""
    if row.status is not PurchaseStatus.SUCCESS:
        raise InvalidState(f"Only a paid purchase can be refunded; this one is {row.status.name}.")
    taken = await queries.taken(session, row.id)
    left = row.amount_minor - taken.amount_minor
    if not left:
        raise InvalidState("All of this purchase is on its way back or disputed: see `refunds` and `disputes`.")
    return share_of_amount(row.quote, taken, left if amount_minor is None else amount_minor)


def of_purchase(row: Purchase) -> dict[str, Any]:
    """What a refund or dispute repeats of its purchase."""
    words = {name: getattr(row, name) for name in ("project_id", "gateway", "currency")}
    return words | {"purchase_id": row.id, "purchase_uuid": row.uuid}
