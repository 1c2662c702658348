"""What goes back of a payment, as the provider tells it: refunds, whoever began them, and disputes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from db import events as event_queries
from db import purchases as purchase_queries
from db import refunds as queries
from domain.purchases import PurchaseStatus
from domain.refunds import RefundOrigin, RefundStatus, share_of_total
from services import split_refunds
from services.disputes import apply_dispute
from services.jobs import RetryLater, nothing
from services.refunds import advance, begin, watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.purchases import Purchase
    from db.models.refunds import Refund
    from gateways.base import ProviderDispute, ProviderRefund, Reversals
    from services.coffer import Coffer
    from services.jobs import Effect

UNMATCHED_SECONDS: Final = 7_200
"""How long a message may name an order of which no paid purchase is known: its payment's own message may be late."""

LONGEST_WATCH_SECONDS: Final = 6 * 3600.0
"""An undecided refund or dispute is asked about at least that often."""

SWEPT_DAYS: Final = (1, 7, 30, 60, 120)
"""The ages at which a paid purchase is asked about without a message; banks take disputes for 120 days."""

SWEPT_AT_ONCE: Final = 30
"""Purchases of each age in one round: at a round a minute 43,000 a day, and some 300 calls a minute at most."""

_PAID: Final = frozenset({PurchaseStatus.SUCCESS, PurchaseStatus.REFUNDED})
_log: Final = structlog.get_logger()


class ReversalMismatch(Exception):
    """What the provider says can't be of this purchase; somebody has to look, so the job ends up dead and visible."""


async def read_reversals(coffer: Coffer, event: GatewayEvent) -> tuple[Purchase, Reversals] | None:
    """The purchase that a message is about and what went back of it; None when it is not one of ours. RetryLater."""
    async with coffer.database.transaction() as session:
        purchase = await purchase_queries.by_order(session, event.gateway, event.order_id or "")
        if purchase is not None and event.project_id is None:
            await event_queries.belongs_to(session, event, purchase.project_id)
    if purchase is None or purchase.status not in _PAID:
        if coffer.clock() - event.received_at < timedelta(seconds=UNMATCHED_SECONDS):
            raise RetryLater("No paid purchase has this order yet.")
        return None
    return purchase, await _fetch(coffer, purchase)


async def apply_reversals(coffer: Coffer, session: Session, purchase: UUID, reversals: Reversals) -> str:
    """Bring the refunds and disputes of a purchase to what the provider says; the words say what was done."""
    row = await purchase_queries.lock(session, purchase)
    if row is None:
        return "not ours"
    _check_currency(row, [*reversals.refunds, *reversals.disputes])
    words = [await apply_dispute(coffer, session, row, told) for told in reversals.disputes]
    words += [await _apply_refund(coffer, session, row, told) for told in reversals.refunds]
    return ", ".join(dict.fromkeys(words)) or "nothing went back"


async def watch_reversals(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `purchase.reversals`: ask until every refund and dispute of a purchase is decided."""
    async with coffer.database.reading() as session:
        purchase = await purchase_queries.by_uuid(session, UUID(payload["purchase"]))
    if purchase is None or purchase.payment_id is None:
        return nothing
    reversals = await _fetch(coffer, purchase)
    async with coffer.database.transaction() as session:
        await apply_reversals(coffer, session, purchase.uuid, reversals)
        undecided = sum(await queries.open_parts(session, purchase.id))
    if undecided:
        raise RetryLater(f"{undecided} not decided yet.", at_most_seconds=LONGEST_WATCH_SECONDS)
    return nothing


async def sweep_reversals(coffer: Coffer) -> None:
    """Ask about paid purchases of certain ages, a few at once: what goes back may have been told in vain."""
    for age_days in SWEPT_DAYS:
        async with coffer.database.transaction() as session:
            before = coffer.clock() - timedelta(days=age_days)
            for row in await queries.swept(session, age_days, before, SWEPT_AT_ONCE):
                if row.status in _PAID and row.gateway in coffer.gateways:
                    await watch(coffer, session, row, at_once=True)


async def _fetch(coffer: Coffer, purchase: Purchase) -> Reversals:
    async with coffer.database.reading() as session:
        refunds = await queries.refunds_of(session, purchase.id)
    ours = [row.uuid.hex for row in refunds if row.origin is RefundOrigin.PROJECT]
    ids = (purchase.order_id or "", purchase.payment_id or "", ours)
    return await coffer.gateway(purchase.gateway).fetch_reversals(*ids)


async def _apply_refund(coffer: Coffer, session: Session, row: Purchase, told: ProviderRefund) -> str:
    refund = await _known(session, row, told)
    if refund is None:
        if told.status is RefundStatus.FAILED:
            return "refund failed"
        refund = await _begun_elsewhere(coffer, session, row, told)
        if refund is None:
            return "more than was paid"
    if refund.status is RefundStatus.FAILED and told.status is not RefundStatus.FAILED:
        raise ReversalMismatch(f"The refund {told.refund_id} had failed, and now it is {told.status.name}.")
    await advance(coffer, session, row, refund, told)
    return f"refund {refund.status.name.lower()}"


async def _known(session: Session, row: Purchase, told: ProviderRefund) -> Refund | None:
    refunds = await queries.refunds_of(session, row.id)
    return next((one for one in refunds if one.uuid.hex == told.reference or one.refund_id == told.refund_id), None)


async def _begun_elsewhere(coffer: Coffer, session: Session, row: Purchase, told: ProviderRefund) -> Refund | None:
    """Take the credits of a refund that we did not ask for; None when nothing is left that it could be of."""
    taken = await queries.taken(session, row.id)
    if taken.total_minor + told.total_minor > row.quote.total_minor and any(await queries.open_parts(session, row.id)):
        # One of ours is about to be refused, since its money went back by the other.
        raise RetryLater("A refund or dispute of the same money is not decided yet.")
    share = share_of_total(row.quote, taken, told.total_minor)
    if share.total_minor != told.total_minor:
        _log.warning("refund.more_than_paid", purchase=row.uuid.hex, refund=told.refund_id)
    if not share.total_minor:
        return None
    refund = await begin(coffer, session, row, share, origin=RefundOrigin.PROVIDER, refund_id=told.refund_id)
    await split_refunds.note(session, row, refund, told.splits)
    return refund


def _check_currency(row: Purchase, told: list[ProviderRefund | ProviderDispute]) -> None:
    for one in told:
        if one.currency != row.currency:
            raise ReversalMismatch(f"Paid in {row.currency}, given back in {one.currency}.")
