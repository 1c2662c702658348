"""Splits: the configured shares go with a purchase's orders, others are asked for after the payment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from db import purchases as purchase_queries
from db import splits as queries
from db.models.splits import PurchaseSplit
from domain.errors import IdempotencyConflict, InvalidInput, InvalidState, NotFound
from domain.inputs import check_key
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import PurchaseStatus
from domain.splits import MAX_SPLIT_VENDORS, SplitStatus, VendorStatus, shares
from gateways.base import GatewayRefused
from gateways.splits import Part, splits_of
from services.jobs import enqueue, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.splits import Vendor
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect

AFTER_PAYMENT: Final = timedelta(minutes=2)
"""Cashfree splits a paid order no sooner after its payment (Easy Split, 2025-01-01)."""


async def plan(coffer: Coffer, session: Session, purchase: Purchase) -> None:
    """Write the shares of the project's vendors in a new purchase; they count when it is paid."""
    if splits_of(coffer.gateways[purchase.gateway]) is None:
        return
    vendors = await queries.sharing(session, purchase.project_id, purchase.gateway, MAX_SPLIT_VENDORS)
    parts = shares(purchase.amount_minor, [vendor.share_basis_points for vendor in vendors])
    for vendor, amount_minor in zip(vendors, parts, strict=True):
        if amount_minor:
            session.add(_split(purchase, vendor, amount_minor, SplitStatus.PLANNED))


async def planned(coffer: Coffer, purchase: Purchase) -> list[Part]:
    """The parts that go with an order of a purchase, the same with each attempt."""
    if splits_of(coffer.gateway(purchase.gateway)) is None:
        return []
    async with coffer.database.reading() as session:
        return [Part(row.vendor_uuid.hex, row.amount_minor) for row in await queries.planned(session, purchase.id)]


async def split_purchase(
    coffer: Coffer, actor: Actor, purchase: UUID | None, parts: Mapping[UUID | None, int], idempotency_key: str
) -> Sequence[PurchaseSplit]:
    """Give vendors parts (minor units) of a paid purchase's amount; the same key gives the same splits.

    InvalidInput, NotFound, InvalidState, IdempotencyConflict.
    """
    actor.require(Permission.PAY_OUT)
    check_key(idempotency_key)
    if not 1 <= len(parts) <= MAX_SPLIT_VENDORS or min(parts.values()) < 1:
        raise InvalidInput(f"Name 1 to {MAX_SPLIT_VENDORS} vendors with 1 paisa or more.", field=["parts"])
    async with coffer.database.transaction() as session:
        found = purchase and await purchase_queries.find(session, actor.project_id, purchase)
        row = found and await purchase_queries.lock(session, found.uuid)
        if not row:
            raise NotFound("No such purchase in this project: see `purchases`.", field=["purchaseId"])
        known = await queries.by_key(session, row.id, idempotency_key)
        if known:
            if {one.vendor_uuid: one.amount_minor for one in known} != parts:
                raise IdempotencyConflict
            return known
        vendors = await _vendors(session, actor, row, parts)
        await _check(coffer, session, row, sum(parts.values()))
        for vendor in vendors:
            split = _split(row, vendor, parts[vendor.uuid], SplitStatus.REQUESTED)
            split.idempotency_key = idempotency_key
            session.add(split)
        await _ask(coffer, session, row, idempotency_key)
        await session.flush()
        return await queries.by_key(session, row.id, idempotency_key)


async def list_splits(coffer: Coffer, actor: Actor, purchase: UUID | None, page: Page) -> Sequence[PurchaseSplit]:
    """Splits of the project or of one purchase, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, purchase, page)


async def send(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `split.send`: have the provider split a paid order; what it refuses stays with the project."""
    async with coffer.database.reading() as session:
        purchase = await purchase_queries.by_uuid(session, UUID(payload["purchase"]))
        rows = [] if purchase is None else await queries.by_key(session, purchase.id, payload["key"])
    waiting = [row for row in rows if row.status is SplitStatus.REQUESTED]
    splits = None if purchase is None else splits_of(coffer.gateway(purchase.gateway))
    if purchase is None or splits is None or not waiting:
        return nothing
    refused = None
    try:
        parts = [Part(row.vendor_uuid.hex, row.amount_minor) for row in waiting]
        await splits.split_order(purchase.order_id or "", waiting[0].uuid.hex, parts)
    except GatewayRefused as fault:
        refused = str(fault)

    async def effect(session: Session) -> None:
        # A refund that begins meanwhile counts on the splits that it finds.
        await purchase_queries.lock(session, purchase.uuid)
        for row in await queries.by_key(session, purchase.id, payload["key"]):
            row.status = SplitStatus.DONE if refused is None else SplitStatus.FAILED
            row.failure_reason, row.completed_at = refused, coffer.clock()
            if refused is not None:
                await queries.refused(session, row)

    return effect


async def _vendors(session: Session, actor: Actor, row: Purchase, parts: Mapping[UUID | None, int]) -> Sequence[Vendor]:
    found = await queries.named(session, actor.project_id, [uuid for uuid in parts if uuid is not None])
    if len(found) != len(parts) or any(vendor.gateway != row.gateway for vendor in found.values()):
        raise NotFound(f"No such vendor of {row.gateway} in this project: see `vendors`.", field=["parts"])
    for vendor in found.values():
        if vendor.status is not VendorStatus.ACTIVE:
            raise InvalidState(f"The vendor {vendor.name} is {vendor.status.name}: only an ACTIVE one is paid.")
    return list(found.values())


async def _check(coffer: Coffer, session: Session, row: Purchase, wanted_minor: int) -> None:
    if row.status is not PurchaseStatus.SUCCESS:
        raise InvalidState(f"Only a paid purchase can be split; this one is {row.status.name}.")
    if row.saved_method_id is not None or splits_of(coffer.gateway(row.gateway)) is None:
        raise InvalidState("This payment can't be split: its provider splits orders that were paid on its page.")
    left = row.amount_minor - row.refunded_minor - await queries.split_minor(session, row.id)
    if wanted_minor > left:
        raise InvalidInput(f"Split at most {max(left, 0)} paise: the rest is refunded or split.", field=["parts"])


async def _ask(coffer: Coffer, session: Session, row: Purchase, idempotency_key: str) -> None:
    waits = (row.updated_at + AFTER_PAYMENT - coffer.clock()).total_seconds()
    payload = {"purchase": row.uuid.hex, "key": idempotency_key, "project_id": row.project_id}
    work = (Queue.SETTLEMENTS_PROCESSING, "split.send", payload)
    await enqueue(coffer, session, work, delay_seconds=max(waits, 0))


def _split(purchase: Purchase, vendor: Vendor, amount_minor: int, status: SplitStatus) -> PurchaseSplit:
    return PurchaseSplit(
        uuid=uuid4(),
        project_id=purchase.project_id,
        purchase_id=purchase.id,
        purchase_uuid=purchase.uuid,
        vendor_row_id=vendor.id,
        vendor_uuid=vendor.uuid,
        status=status,
        amount_minor=amount_minor,
        currency=purchase.currency,
    )
