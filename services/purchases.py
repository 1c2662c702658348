"""Buying credits: record the intent, open the order at the provider, record what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from db import purchases as queries
from db import wallets as wallet_queries
from db.models.purchases import Purchase
from domain.errors import IdempotencyConflict, InvalidState, NotFound, PaymentBlocked, PaymentFailed
from domain.happenings import Happening
from domain.inputs import check_key
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import PurchaseStatus, quote, require_transition, without_tax
from gateways.base import GatewayRefused, GatewayUnavailable, Order, OrderRequest
from live import topics
from services import splits
from services.fraud import screen
from services.gateways import choose_gateway
from services.happenings import happened
from services.jobs import enqueue
from services.recharge_outcomes import note_purchase
from services.renewals import begin_subscription, check_interval
from services.requests import PurchaseRequest
from services.saved_methods import check_saving
from services.wallets import narrow_to, require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.ledger import Wallet
    from domain.fraud import Client
    from domain.pages import Page
    from domain.purchases import Quote
    from services.coffer import Coffer

FOLLOW_UP_SECONDS: Final = 60
"""After that long the provider is asked about a purchase whose webhook has not come."""


async def quote_purchase(
    coffer: Coffer, actor: Actor, amount_minor: int | None, pack_code: str | None, gateway: str | None
) -> Quote:
    """Quote a pack or a custom amount as the gateway, or the project's default, would sell it."""
    actor.require(Permission.READ)
    wanted = quote(amount_minor, pack_code)
    async with coffer.database.reading() as session:
        name = await choose_gateway(coffer, session, actor.project_id, gateway)
    return sold_by(coffer, name, wanted)


async def purchase_credits(coffer: Coffer, actor: Actor, request: PurchaseRequest) -> Purchase:
    """Start a purchase; the same key gives the same one. The credits come when the provider confirms the payment."""
    actor.require(Permission.PURCHASE)
    check_key(request.idempotency_key)
    wanted = quote(request.amount_minor, request.pack_code)
    async with coffer.database.transaction() as session:
        wallet = await require_wallet(session, actor, request.wallet)
        gateway = await choose_gateway(coffer, session, actor.project_id, request.gateway)
        wanted = sold_by(coffer, gateway, wanted)
        if request.saves_method:
            check_saving(coffer, gateway)
        if request.interval is not None:
            check_interval(coffer, gateway, request.interval)
        purchase = purchase_row(wallet, request, wanted, gateway)
        standing = await _begin(coffer, session, wallet, request, purchase)
    if isinstance(standing, PaymentBlocked):
        raise standing
    return standing or await open_order(coffer, purchase)


async def retry_purchase(
    coffer: Coffer, actor: Actor, purchase: UUID | None, idempotency_key: str, client: Client | None = None
) -> Purchase:
    """Try a failed purchase again with a new order at the provider. NotFound, InvalidState, PaymentBlocked."""
    actor.require(Permission.PURCHASE)
    check_key(idempotency_key)
    await _require(coffer, actor, purchase)
    async with coffer.database.transaction() as session:
        row = await _locked(session, purchase)
        if row.retry_key == idempotency_key:
            return row
        require_transition(row.status, PurchaseStatus.PROCESSING)
        if row.subscription_row_id is not None:
            raise InvalidState("The provider tries again by itself; for another checkout use startSubscription.")
        wallet = await wallet_queries.read(session, row.wallet_id)
        request = PurchaseRequest(row.wallet_uuid, None, None, row.method, f"retry:{idempotency_key}", client=client)
        blocked = await screen(coffer, session, wallet, request, row.amount_minor)
        if blocked is None:
            await _start_over(coffer, session, row, idempotency_key)
    if blocked is not None:
        raise blocked
    return await open_order(coffer, row)


async def _begin(
    coffer: Coffer, session: Session, wallet: Wallet, request: PurchaseRequest, purchase: Purchase
) -> Purchase | PaymentBlocked | None:
    """Write a purchase; or say what stands before it: the one that was made with its key, or a refusal."""
    known = await queries.by_key(session, wallet.id, request.idempotency_key)
    if known is None:
        blocked = await screen(coffer, session, wallet, request, purchase.amount_minor)
        if blocked is not None:
            return blocked
        known = await queries.add(session, purchase)
    if known is None:
        if request.interval is not None:
            await begin_subscription(session, purchase, request.interval)
        await splits.plan(coffer, session, purchase)
        await enqueue(coffer, session, follow_up_work(purchase), delay_seconds=FOLLOW_UP_SECONDS)
    elif _terms(known) != _terms(purchase):
        raise IdempotencyConflict
    return known


async def _start_over(coffer: Coffer, session: Session, row: Purchase, idempotency_key: str) -> None:
    """Begin another attempt of a locked purchase."""
    if row.order_id:
        # The buyer may still pay the order of the attempt that is given up here.
        await enqueue(coffer, session, follow_up_work(row, row.order_id), delay_seconds=FOLLOW_UP_SECONDS)
    row.status, row.attempt, row.retry_key = PurchaseStatus.PROCESSING, row.attempt + 1, idempotency_key
    row.failure_reason = row.order_id = row.checkout_url = None
    await changed(coffer, session, row)
    await enqueue(coffer, session, follow_up_work(row), delay_seconds=FOLLOW_UP_SECONDS)


async def get_purchase(coffer: Coffer, actor: Actor, purchase: UUID | None) -> Purchase | None:
    """The purchase, or None when the project has no such purchase."""
    actor.require(Permission.READ)
    if purchase is None:
        return None
    async with coffer.database.reading() as session:
        return await queries.find(session, actor.project_id, purchase)


async def list_purchases(
    coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page, subscription: UUID | None = None
) -> Sequence[Purchase]:
    """Purchases of the project, of one wallet or one subscription if named, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        wallet_id = await narrow_to(session, actor, wallet)
        return await queries.newest(session, actor.project_id, wallet_id, subscription, page)


async def open_order(coffer: Coffer, purchase: Purchase) -> Purchase:
    """Open the provider's order of the current attempt; safe to repeat, since our reference is the key there.

    PaymentFailed when the provider refuses. When it can't be reached the purchase stays PROCESSING and the follow-up
    tries again.
    """
    request = OrderRequest(
        reference=purchase.reference,
        total_minor=purchase.quote.total_minor,
        currency=purchase.currency,
        method=purchase.method.name,
        description=f"{purchase.credits} credits",
        simulate_failure=purchase.simulate_failure and purchase.attempt == 1,
        customer=purchase.wallet_uuid.hex,
        saves_method=purchase.saves_method,
        interval=purchase.interval,
        splits=await splits.planned(coffer, purchase),
    )
    try:
        order = await coffer.gateway(purchase.gateway).create_order(request)
    except GatewayUnavailable:
        return purchase
    except GatewayRefused as refused:
        reason = str(refused)
        await _refuse(coffer, purchase, reason)
        raise PaymentFailed(reason) from refused
    return await _ordered(coffer, purchase, order)


async def changed(coffer: Coffer, session: Session, purchase: Purchase) -> None:
    """Write a purchase, and what it means for an auto-recharge, and tell its watchers after the commit."""
    await queries.touch(session, purchase)
    await note_purchase(coffer, session, purchase)
    topic = topics.purchase(purchase.uuid)
    session.after_commit(lambda: coffer.hub.publish(topic, b"changed"))


async def _ordered(coffer: Coffer, purchase: Purchase, order: Order) -> Purchase:
    """Remember the order, also when another attempt has begun meanwhile: it can still be paid."""
    async with coffer.database.transaction() as session:
        row = await _locked(session, purchase.uuid)
        await queries.add_order(session, row, order.order_id)
        if row.attempt == purchase.attempt:
            row.order_id, row.checkout_url = order.order_id, order.checkout_url
            await changed(coffer, session, row)
    return row


async def _refuse(coffer: Coffer, purchase: Purchase, reason: str) -> None:
    async with coffer.database.transaction() as session:
        row = await _locked(session, purchase.uuid)
        if row.attempt == purchase.attempt:
            require_transition(row.status, PurchaseStatus.FAILED)
            row.status, row.failure_reason = PurchaseStatus.FAILED, reason
            await changed(coffer, session, row)
            await happened(coffer, session, Happening.PURCHASE_FAILED, row)


def sold_by(coffer: Coffer, gateway: str, wanted: Quote) -> Quote:
    """The quote as a gateway would sell it."""
    return without_tax(wanted) if coffer.gateways[gateway].is_merchant_of_record else wanted


def purchase_row(wallet: Wallet, request: PurchaseRequest, wanted: Quote, gateway: str) -> Purchase:
    """A new purchase, not yet written."""
    return Purchase(
        uuid=uuid4(),
        project_id=wallet.project_id,
        wallet_id=wallet.id,
        wallet_uuid=wallet.uuid,
        status=PurchaseStatus.PROCESSING,
        method=request.method,
        gateway=gateway,
        amount_minor=wanted.amount_minor,
        gst_minor=wanted.gst_minor,
        platform_fee_minor=wanted.platform_fee_minor,
        credits=wanted.credits,
        bonus_credits=wanted.bonus_credits,
        currency=wanted.currency,
        attempt=1,
        refunded_minor=0,
        simulate_failure=request.simulate_failure,
        saves_method=request.saves_method,
        interval=request.interval,
        idempotency_key=request.idempotency_key,
    )


def _terms(row: Purchase) -> tuple[object, ...]:
    """What two purchases with one key agree on."""
    return (row.amount_minor, row.method, row.gateway, row.simulate_failure, row.saves_method, row.interval)


def follow_up_work(purchase: Purchase, order_id: str | None = None) -> tuple[Queue, str, dict[str, object]]:
    """The job that asks about the current attempt or, by its order, about one that has lost its purchase."""
    payload: dict[str, object] = {"purchase": purchase.uuid.hex, "attempt": purchase.attempt}
    payload |= {"project_id": purchase.project_id} | ({"order": order_id} if order_id else {})
    return Queue.PAYMENT_PROCESSING, "purchase.follow_up", payload


async def _require(coffer: Coffer, actor: Actor, purchase: UUID | None) -> Purchase:
    found = await get_purchase(coffer, actor, purchase)
    if found is None:
        raise NotFound("No such purchase in this project: see `purchases`.", field=["id"])
    return found


async def _locked(session: Session, uuid: UUID | None) -> Purchase:
    row = uuid and await queries.lock(session, uuid)
    if not row:
        raise NotFound("No such purchase in this project: see `purchases`.", field=["id"])
    return row
