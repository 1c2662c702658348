"""Mandates: the right to debit a customer on demand, which the customer approves on the provider's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from db import events as event_queries
from db import recharges as queries
from domain.errors import InvalidInput, PaymentFailed
from domain.inputs import check_key, check_text
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import MINIMUM_AMOUNT_MINOR
from domain.recharges import MANDATE_LIMIT_MINOR, MethodKind, MethodStatus
from gateways.base import GatewayRefused, GatewayUnavailable, MandateRequest, has_mandates
from services.gateways import choose_gateway
from services.jobs import RetryLater, enqueue, nothing
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.recharges import SavedMethod
    from gateways.base import Mandate, MandateGateway
    from services.coffer import Coffer
    from services.jobs import Effect
    from services.requests import NewMandate

FOLLOW_UP_SECONDS: Final = 60
_PHONE: Final = re.compile(r"[0-9]{10}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


async def create_mandate(coffer: Coffer, actor: Actor, request: NewMandate) -> SavedMethod:
    """Ask for a mandate; the same key gives the same one. NotFound, InvalidInput, PaymentFailed."""
    actor.require(Permission.PURCHASE)
    _check(request)
    async with coffer.database.transaction() as session:
        wallet = await require_wallet(session, actor, request.wallet)
        gateway = await choose_gateway(coffer, session, actor.project_id, request.gateway)
        provider = _provider(coffer, gateway)
        uuid = uuid5(wallet.uuid, f"mandate:{request.idempotency_key}")
        values = {"uuid": uuid, "project_id": wallet.project_id, "wallet_id": wallet.id, "wallet_uuid": wallet.uuid}
        values |= {"gateway": gateway, "customer_id": "", "method_id": uuid.hex, "label": "MANDATE"}
        values |= {"kind": MethodKind.MANDATE, "status": MethodStatus.PENDING, "limit_minor": request.limit_minor}
        await queries.save_mandate(session, values)
        work = (Queue.PAYMENT_PROCESSING, "mandate.follow_up", {"mandate": uuid.hex, "project_id": wallet.project_id})
        await enqueue(coffer, session, work, delay_seconds=FOLLOW_UP_SECONDS, key=f"mandate:{uuid.hex}")
    try:
        asked = MandateRequest(uuid.hex, request.limit_minor, request.email, request.phone)
        mandate = await provider.create_mandate(asked)
    except (GatewayRefused, GatewayUnavailable) as fault:
        raise PaymentFailed(str(fault)) from fault
    async with coffer.database.transaction() as session:
        return await _apply(session, gateway, mandate)


async def follow_up(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `mandate.follow_up`: ask about a mandate until its customer has approved it, or never will."""
    async with coffer.database.reading() as session:
        row = await queries.method_of(session, UUID(payload["mandate"]))
    if row is None or row.status is not MethodStatus.PENDING:
        return nothing
    mandate = await _provider(coffer, row.gateway).fetch_mandate(row.method_id)
    if mandate.status is MethodStatus.PENDING:
        raise RetryLater("The customer has not approved the mandate yet.")

    async def effect(session: Session) -> None:
        await _apply(session, row.gateway, mandate)

    return effect


async def act_on_event(coffer: Coffer, event: GatewayEvent) -> Effect:
    """Act on a message about a mandate: it is only a hint, the provider's answer decides."""
    async with coffer.database.transaction() as session:
        row = await queries.mandate(session, event.gateway, event.order_id or "")
        if row is not None:
            await event_queries.belongs_to(session, event, row.project_id)
    mandate = row and await _provider(coffer, row.gateway).fetch_mandate(row.method_id)

    async def effect(session: Session) -> None:
        word = "not ours"
        if mandate:
            word = f"mandate {(await _apply(session, event.gateway, mandate)).status.name.lower()}"
        await event_queries.mark(session, event, word)

    return effect


async def _apply(session: Session, gateway: str, mandate: Mandate) -> SavedMethod:
    row = await queries.mandate(session, gateway, mandate.mandate_id)
    if row is None:
        raise InvalidInput("The provider told of a mandate that is none of ours.")
    row.status = max(row.status, mandate.status)
    is_pending = row.status is MethodStatus.PENDING
    row.approval_url = (mandate.approval_url or row.approval_url) if is_pending else None
    return row


def _provider(coffer: Coffer, name: str) -> MandateGateway:
    gateway = coffer.gateway(name)
    if not has_mandates(gateway):
        raise InvalidInput(f"{name} has no mandates: save a method at a purchase, with saveMethod.", field=["gateway"])
    return gateway


def _check(request: NewMandate) -> None:
    check_key(request.idempotency_key)
    check_text(request.email, "email")
    if not MINIMUM_AMOUNT_MINOR <= request.limit_minor <= MANDATE_LIMIT_MINOR:
        message = f"limitMinor is {MINIMUM_AMOUNT_MINOR} to {MANDATE_LIMIT_MINOR}: above it each debit is approved."
        raise InvalidInput(message, field=["limitMinor"])
    if not _PHONE.fullmatch(request.phone):
        raise InvalidInput("phone is ten digits.", field=["phone"])
    if not _EMAIL.fullmatch(request.email):
        raise InvalidInput("email is no address.", field=["email"])
