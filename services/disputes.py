"""Payments that a buyer's bank asks back: the credits are frozen, then taken for good or given back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

from db import refunds as queries
from db.models.refunds import Dispute
from domain.happenings import Happening
from domain.permissions import Actor, Permission
from domain.refunds import DisputeStatus, RefundOrigin, RefundStatus, share_of_total
from gateways.base import ProviderRefund
from services.clawbacks import give_back, take_what_is_left
from services.happenings import happened
from services.refunds import advance, begin, of_purchase, watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from domain.pages import Page
    from gateways.base import ProviderDispute
    from services.coffer import Coffer


async def list_disputes(coffer: Coffer, actor: Actor, status: DisputeStatus | None, page: Page) -> Sequence[Dispute]:
    """Disputes of the project, of one status if named, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest_disputes(session, actor.project_id, status, page)


async def apply_dispute(coffer: Coffer, session: Session, row: Purchase, told: ProviderDispute) -> str:
    """Bring a dispute of a locked purchase to what the provider says; the word says what it is now."""
    known = await queries.disputes_of(session, row.id)
    dispute = next((one for one in known if one.dispute_id == told.dispute_id), None)
    if dispute is None:
        dispute = await _new(session, row, told)
    elif dispute.status is told.status:
        return "known"
    else:
        await _leave(coffer, session, row, dispute, told.status)
        dispute.status = told.status
    dispute.changes += 1
    dispute.respond_by = told.respond_by or dispute.respond_by
    await _enter(coffer, session, row, dispute)
    return f"dispute {told.status.name.lower()}"


async def _new(session: Session, row: Purchase, told: ProviderDispute) -> Dispute:
    taken = await queries.taken(session, row.id)
    share = share_of_total(row.quote, taken, told.total_minor)
    dispute = Dispute(uuid=uuid4(), total_minor=share.total_minor, **asdict(share), **of_purchase(row))
    dispute.dispute_id, dispute.status, dispute.reason = told.dispute_id, told.status, told.reason
    dispute.frozen_credits = dispute.changes = 0
    session.add(dispute)
    await session.flush()
    return dispute


async def _leave(coffer: Coffer, session: Session, row: Purchase, dispute: Dispute, status: DisputeStatus) -> None:
    """Undo what the old status did to the wallet."""
    if dispute.status is DisputeStatus.OPEN:
        key = f"dispute:{dispute.uuid}:{dispute.changes}:thawed"
        await give_back(coffer, session, row, dispute.frozen_credits, key)
        dispute.frozen_credits = 0
    if dispute.status is DisputeStatus.LOST and dispute.refund_row_id is not None:
        refunds = await queries.refunds_of(session, row.id)
        refund = next(one for one in refunds if one.id == dispute.refund_row_id)
        reason = f"The dispute is {status.name.lower()}."
        told = ProviderRefund("", "", refund.total_minor, refund.currency, RefundStatus.FAILED, reason)
        await advance(coffer, session, row, refund, told)


async def _enter(coffer: Coffer, session: Session, row: Purchase, dispute: Dispute) -> None:
    """Do what the new status does to the wallet."""
    if dispute.status is DisputeStatus.OPEN:
        dispute.closed_at, key = None, f"dispute:{dispute.uuid}:{dispute.changes}:frozen"
        dispute.frozen_credits = await take_what_is_left(coffer, session, row, dispute.credits, key)
        await watch(coffer, session, row)
    else:
        dispute.closed_at = coffer.clock()
    if dispute.status is DisputeStatus.LOST and dispute.amount_minor:
        refund = await begin(coffer, session, row, dispute.share, origin=RefundOrigin.DISPUTE)
        dispute.refund_row_id = refund.id
        told = ProviderRefund("", "", refund.total_minor, refund.currency, RefundStatus.SUCCEEDED)
        await advance(coffer, session, row, refund, told)
    await happened(coffer, session, _HAPPENINGS[dispute.status], row, {"dispute": dispute.uuid})


_HAPPENINGS = {
    DisputeStatus.OPEN: Happening.DISPUTE_OPENED,
    DisputeStatus.WON: Happening.DISPUTE_WON,
    DisputeStatus.LOST: Happening.DISPUTE_LOST,
}
