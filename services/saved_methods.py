"""Payment methods that their owners let us charge again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from db import recharges as queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.permissions import Actor, Permission
from domain.recharges import MethodStatus
from gateways import base
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.recharges import SavedMethod
    from domain.pages import Page
    from services.coffer import Coffer


def check_saving(coffer: Coffer, gateway: str) -> None:
    """Raise InvalidInput unless a purchase at that gateway can save the method."""
    found = coffer.gateways[gateway]
    if not base.charges_alone(found) or not found.saves_at_purchase:
        message = f"A purchase with {gateway} saves no payment method: see docs/auto-recharge.md for how one is saved."
        raise InvalidInput(message, field=["saveMethod"])


async def keep_method(session: Session, purchase: Purchase, payment: base.Payment) -> None:
    """Keep the method of a paid purchase, if its buyer wanted that and the provider allows to charge it again."""
    if not purchase.saves_method or payment.saved is None:
        return
    values = {
        "uuid": uuid4(),
        "project_id": purchase.project_id,
        "wallet_id": purchase.wallet_id,
        "wallet_uuid": purchase.wallet_uuid,
        "gateway": purchase.gateway,
        "customer_id": payment.saved.customer_id,
        "method_id": payment.saved.method_id,
        "label": purchase.method.name,
        "kind": payment.saved.kind,
        "status": MethodStatus.ACTIVE,
    }
    await queries.save_method(session, values)


async def list_methods(coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page) -> Sequence[SavedMethod]:
    """A wallet's saved methods, newest first. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return await queries.methods(session, found.id, page)


async def remove_method(coffer: Coffer, actor: Actor, method: UUID | None) -> SavedMethod:
    """Forget a method, here and at its provider. NotFound; InvalidState while an auto-recharge uses it."""
    actor.require(Permission.PURCHASE)
    found = await require_method(coffer, actor, method)
    gateway = coffer.gateway(found.gateway)
    async with coffer.database.transaction() as session:
        row = await queries.method_by_id(session, found.id)
        if await queries.using(session, row.id):
            raise InvalidState("Auto-recharge charges this method: disableAutoRecharge first.", field=["id"])
        row.status, row.removed_at = MethodStatus.REMOVED, row.removed_at or coffer.clock()
    if base.charges_alone(gateway):
        await gateway.forget(base.SavedMethod(row.customer_id, row.method_id))
    return row


async def require_method(coffer: Coffer, actor: Actor, method: UUID | None) -> SavedMethod:
    """A saved method of the actor's project, or NotFound."""
    async with coffer.database.reading() as session:
        found = method and await queries.method(session, actor.project_id, method)
    if not found:
        raise NotFound("No such saved method in this project: see `savedMethods`.", field=["savedMethodId"])
    return found
