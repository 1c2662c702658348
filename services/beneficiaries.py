"""Beneficiaries: the accounts to which a wallet's credits may be paid out. Their numbers stay with the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from db import payouts as queries
from domain.errors import IdempotencyConflict, NotFound, PaymentFailed
from domain.inputs import check_key
from domain.payouts import BeneficiaryStatus, check_beneficiary
from domain.permissions import Actor, Permission
from gateways.base import GatewayRefused, GatewayUnavailable
from gateways.payouts import NewBeneficiary
from services.gateways import choose_payer
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.payouts import Beneficiary
    from domain.pages import Page
    from services.coffer import Coffer
    from services.requests import BeneficiaryRequest


async def create_beneficiary(coffer: Coffer, actor: Actor, request: BeneficiaryRequest) -> Beneficiary:
    """Make an account known to the provider; the same key gives the same one, and asks again while it is PENDING.

    InvalidInput, NotFound, IdempotencyConflict; PaymentFailed when the provider says no or nothing.
    """
    actor.require(Permission.PAY_OUT)
    check_key(request.idempotency_key)
    check_beneficiary(request.name, request.details)
    async with coffer.database.transaction() as session:
        row = await _write(coffer, session, actor, request)
    if row.status is not BeneficiaryStatus.PENDING:
        return row
    refused = None
    try:
        wanted = NewBeneficiary(row.uuid.hex, request.name, request.details)
        status = await coffer.payer(row.gateway).create_beneficiary(wanted)
    except GatewayUnavailable as fault:
        raise PaymentFailed(str(fault)) from fault
    except GatewayRefused as fault:
        status, refused = BeneficiaryStatus.REFUSED, fault
    async with coffer.database.transaction() as session:
        row = await require_beneficiary(session, actor, row.uuid)
        if row.status is BeneficiaryStatus.PENDING:
            row.status = status
    if refused is not None:
        raise PaymentFailed(str(refused)) from refused
    return row


async def remove_beneficiary(coffer: Coffer, actor: Actor, beneficiary: UUID | None) -> Beneficiary:
    """Pay out nothing more to a beneficiary; what is on its way comes to its end. NotFound."""
    actor.require(Permission.PAY_OUT)
    async with coffer.database.transaction() as session:
        row = await require_beneficiary(session, actor, beneficiary)
        row.status, row.removed_at = BeneficiaryStatus.REMOVED, row.removed_at or coffer.clock()
    return row


async def list_beneficiaries(coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page) -> Sequence[Beneficiary]:
    """A wallet's beneficiaries, newest first. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return await queries.beneficiaries(session, found.id, page)


async def require_beneficiary(session: Session, actor: Actor, beneficiary: UUID | None) -> Beneficiary:
    """A beneficiary of the actor's project, locked until the end of the transaction; or NotFound."""
    found = beneficiary and await queries.lock_beneficiary(session, actor.project_id, beneficiary)
    if not found:
        raise NotFound("No such beneficiary in this project: see `beneficiaries`.", field=["beneficiaryId"])
    return found


async def _write(coffer: Coffer, session: Session, actor: Actor, request: BeneficiaryRequest) -> Beneficiary:
    wallet = await require_wallet(session, actor, request.wallet)
    gateway = await choose_payer(coffer, session, actor.project_id, request.gateway)
    wanted = {"name": request.name, "label": request.details.label, "gateway": gateway}
    values = {"uuid": uuid5(wallet.uuid, f"beneficiary:{request.idempotency_key}"), "project_id": wallet.project_id}
    values |= {"wallet_id": wallet.id, "wallet_uuid": wallet.uuid, "status": BeneficiaryStatus.PENDING}
    row = await queries.add_beneficiary(session, values | wanted)
    if any(getattr(row, name) != value for name, value in wanted.items()):
        raise IdempotencyConflict
    return row
