"""Vendors: who gets parts of a project's payments. Their accounts and papers stay with the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from db import events as event_queries
from db import splits as queries
from domain.errors import IdempotencyConflict, InvalidInput, NotFound, PaymentFailed
from domain.inputs import check_key
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.splits import VendorStatus, check_vendor
from gateways.base import GatewayRefused, GatewayUnavailable
from gateways.splits import splits_of
from services.gateways import choose_gateway
from services.jobs import RetryLater, enqueue, nothing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.splits import Vendor
    from domain.pages import Page
    from gateways.splits import Splits
    from services.coffer import Coffer
    from services.jobs import Effect
    from services.requests import VendorRequest

FOLLOW_UP_SECONDS: Final = 60
LONGEST_WATCH_SECONDS: Final = 6 * 3600.0
"""A vendor that the provider is still checking is asked about at least that often."""

VENDOR_NAMESPACE: Final = UUID("6f1d7f0e-6c0e-5d3e-9a53-5f6f0c6a2b11")


async def create_vendor(coffer: Coffer, actor: Actor, request: VendorRequest, idempotency_key: str) -> Vendor:
    """Make a vendor known to the provider; the same key gives the same one. InvalidInput, PaymentFailed."""
    actor.require(Permission.PAY_OUT)
    check_key(idempotency_key)
    check_vendor(request.details, request.share_basis_points)
    async with coffer.database.transaction() as session:
        gateway = await choose_gateway(coffer, session, actor.project_id, request.gateway)
        splits = _splits(coffer, gateway)
        uuid = uuid5(VENDOR_NAMESPACE, f"{actor.project_id}:{idempotency_key}")
        values = {"uuid": uuid, "project_id": actor.project_id, "gateway": gateway, "status": VendorStatus.PENDING}
        row = await queries.add_vendor(session, values | _kept(request))
        if any(getattr(row, name) != value for name, value in _kept(request).items()):
            raise IdempotencyConflict
        await _follow(coffer, session, row)
    status = await _asked(splits.create_vendor(row.uuid.hex, request.details))
    return await _write(coffer, actor, row.uuid, request, status)


async def update_vendor(coffer: Coffer, actor: Actor, vendor: UUID | None, request: VendorRequest) -> Vendor:
    """Change a vendor, all of it, at the provider and here. NotFound, InvalidInput, PaymentFailed."""
    actor.require(Permission.PAY_OUT)
    check_vendor(request.details, request.share_basis_points)
    async with coffer.database.reading() as session:
        found = vendor and await queries.named(session, actor.project_id, [vendor])
    if not found:
        raise NotFound("No such vendor in this project: see `vendors`.", field=["id"])
    [row] = found.values()
    status = await _asked(_splits(coffer, row.gateway).update_vendor(row.uuid.hex, request.details))
    return await _write(coffer, actor, row.uuid, request, status)


async def list_vendors(coffer: Coffer, actor: Actor, page: Page) -> Sequence[Vendor]:
    """The project's vendors, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.vendors(session, actor.project_id, page)


async def follow(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `vendor.follow`: ask about a vendor until the provider has decided."""
    async with coffer.database.reading() as session:
        row = await queries.vendor(session, UUID(payload["vendor"]))
    if row is None or row.status is not VendorStatus.PENDING:
        return nothing
    status = await _splits(coffer, row.gateway).fetch_vendor(row.uuid.hex)
    if status is VendorStatus.PENDING:
        raise RetryLater("The provider is still checking.", at_most_seconds=LONGEST_WATCH_SECONDS)

    async def effect(session: Session) -> None:
        locked = await queries.lock_vendor(session, row.project_id, row.uuid)
        if locked is not None and locked.status is VendorStatus.PENDING:
            locked.status = status

    return effect


async def act_on_event(coffer: Coffer, event: GatewayEvent) -> Effect:
    """Act on a message about a vendor: it is only a hint, the provider's answer decides."""
    async with coffer.database.transaction() as session:
        row = await _named(session, event.order_id or "")
        if row is not None:
            await event_queries.belongs_to(session, event, row.project_id)
    status = row and await _splits(coffer, row.gateway).fetch_vendor(row.uuid.hex)

    async def effect(session: Session) -> None:
        locked = await queries.lock_vendor(session, row.project_id, row.uuid) if row else None
        if locked is not None and status:
            locked.status = status
        await event_queries.mark(session, event, f"vendor {status.name.lower()}" if status else "not ours")

    return effect


async def _write(coffer: Coffer, actor: Actor, uuid: UUID, request: VendorRequest, status: VendorStatus) -> Vendor:
    async with coffer.database.transaction() as session:
        row = await queries.lock_vendor(session, actor.project_id, uuid)
        assert row is not None  # noqa: S101 - vendors are never deleted
        row.status = status
        for name, value in _kept(request).items():
            setattr(row, name, value)
        if status is VendorStatus.PENDING:
            await _follow(coffer, session, row)
    return row


async def _asked(answer: Awaitable[VendorStatus]) -> VendorStatus:
    try:
        return await answer
    except (GatewayRefused, GatewayUnavailable) as fault:
        raise PaymentFailed(str(fault)) from fault


async def _follow(coffer: Coffer, session: Session, row: Vendor) -> None:
    work = (Queue.SETTLEMENTS_PROCESSING, "vendor.follow", {"vendor": row.uuid.hex, "project_id": row.project_id})
    await enqueue(coffer, session, work, delay_seconds=FOLLOW_UP_SECONDS, key=f"vendor:{row.uuid.hex}")


async def _named(session: Session, reference: str) -> Vendor | None:
    try:
        return await queries.vendor(session, UUID(reference))
    except ValueError:
        return None


def _splits(coffer: Coffer, gateway: str) -> Splits:
    splits = splits_of(coffer.gateway(gateway))
    if splits is None:
        raise InvalidInput(f"{gateway} settles nothing to vendors: use cashfree.", field=["gateway"])
    return splits


def _kept(request: VendorRequest) -> dict[str, Any]:
    """What Coffer keeps of a vendor."""
    details = request.details
    words = {"name": details.name, "email": details.email, "label": details.account.label}
    return words | {"share_basis_points": request.share_basis_points}
