"""Subscriptions: credits bought again at every interval, charged by the provider until somebody cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from db import subscriptions as queries
from domain.errors import NotFound
from domain.permissions import Actor, Permission
from domain.subscriptions import SubscriptionStatus
from live import topics
from services.jobs import nothing
from services.purchases import purchase_credits
from services.renewals import apply_subscription, ask_to_cancel, ask_to_check, changed, end, subscribing
from services.settlement import apply_told, read_subscription
from services.wallets import narrow_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.subscriptions import CreditSubscription
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect
    from services.requests import PurchaseRequest

CHECKS_AT_ONCE: Final = 200
"""Subscriptions about which one round asks; the others wait for the next."""


async def start_subscription(
    coffer: Coffer, actor: Actor, request: PurchaseRequest
) -> tuple[CreditSubscription, Purchase]:
    """Begin a subscription with its first purchase, whose checkout the buyer pays; the same key gives the same one."""
    purchase = await purchase_credits(coffer, actor, request)
    return await _require(coffer, actor, purchase.subscription_uuid), purchase


async def cancel_subscription(coffer: Coffer, actor: Actor, subscription: UUID | None) -> CreditSubscription:
    """End a subscription now: nothing is charged any more, and the credits that were paid stay. NotFound."""
    actor.require(Permission.PURCHASE)
    await _require(coffer, actor, subscription)
    async with coffer.database.transaction() as session:
        row = subscription and await queries.lock(session, subscription)
        if not row:
            raise _not_found()
        if row.status is not SubscriptionStatus.CANCELLED and row.cancel_asked_at is None:
            row.cancel_asked_at = coffer.clock()
            if row.subscription_id is None:
                was, row.status = row.status, SubscriptionStatus.CANCELLED
                await end(coffer, session, row, was)
            else:
                await ask_to_cancel(coffer, session, row)
            await changed(coffer, session, row)
    return row


async def get_subscription(coffer: Coffer, actor: Actor, subscription: UUID | None) -> CreditSubscription | None:
    """The subscription, or None when the project has no such one."""
    actor.require(Permission.READ)
    if subscription is None:
        return None
    async with coffer.database.reading() as session:
        return await queries.find(session, actor.project_id, subscription)


async def list_subscriptions(
    coffer: Coffer, actor: Actor, wallet: UUID | None, status: SubscriptionStatus | None, page: Page
) -> Sequence[CreditSubscription]:
    """Subscriptions of the project, of one wallet or in one status if named, newest first. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        only = await narrow_to(session, actor, wallet)
        return await queries.newest(session, actor.project_id, only, status, page)


async def watch_subscription(
    coffer: Coffer, actor: Actor, subscription: UUID | None
) -> AsyncIterator[CreditSubscription]:
    """The subscription now, then each change of it. NotFound."""
    row = await _require(coffer, actor, subscription)
    async with coffer.hub.subscribe(topics.subscription(row.uuid)) as inbox:
        row = await _require(coffer, actor, subscription)
        yield row
        async for _ in inbox:
            newer = await _require(coffer, actor, subscription)
            if newer.updated_at != row.updated_at:
                row = newer
                yield row


async def plan_checks(coffer: Coffer) -> None:
    """Ask about running subscriptions from time to time, so that a lost message costs no renewal."""
    async with coffer.database.transaction() as session:
        for row in await queries.due(session, coffer.clock(), CHECKS_AT_ONCE):
            await ask_to_check(coffer, session, row)


async def check(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `subscription.check`: bring a subscription and its payments to what its provider says."""
    async with coffer.database.reading() as session:
        row = await queries.by_uuid(session, UUID(payload["subscription"]))
    if row is None or row.subscription_id is None:
        return nothing
    told, payments = await read_subscription(coffer, row.gateway, row.subscription_id)

    async def effect(session: Session) -> None:
        await apply_told(coffer, session, row.gateway, told, payments)

    return effect


async def cancel(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `subscription.cancel`: end a subscription at its provider. A refusal leaves the job dead, to be looked at."""
    async with coffer.database.reading() as session:
        row = await queries.by_uuid(session, UUID(payload["subscription"]))
    if row is None or row.subscription_id is None:
        return nothing
    told = await subscribing(coffer, row.gateway).cancel_subscription(row.subscription_id)

    async def effect(session: Session) -> None:
        await apply_subscription(coffer, session, told, row.uuid)

    return effect


async def _require(coffer: Coffer, actor: Actor, subscription: UUID | None) -> CreditSubscription:
    found = await get_subscription(coffer, actor, subscription)
    if found is None:
        raise _not_found()
    return found


def _not_found() -> NotFound:
    return NotFound("No such subscription in this project: see `subscriptions`.", field=["id"])
