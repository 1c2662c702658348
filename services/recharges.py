"""Auto-recharge: begin an attempt when a wallet needs it, charge the saved method, follow it to its end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from db import purchases as purchase_queries
from db import recharges as queries
from db import wallets as wallet_queries
from db.models.recharges import Recharge
from domain.errors import PaymentFailed
from domain.purchases import PaymentMethod, PurchaseStatus, quote_amount
from domain.recharges import (
    MethodStatus,
    RechargeState,
    Standing,
    Verdict,
    decide,
    month_start,
    needs_approval,
    next_month,
)
from gateways.base import ChargeRequest, GatewayRefused, GatewayUnavailable, Payment, SavedMethod, charges_alone
from services.fraud import screen
from services.jobs import RetryLater, enqueue, nothing
from services.purchases import FOLLOW_UP_SECONDS, follow_up_work, open_order, purchase_row, sold_by
from services.recharge_outcomes import TURNED_OFF, ask, tell, turn_off
from services.requests import PurchaseRequest
from services.settlement import OPEN, apply_payment
from services.settlement import follow_up as follow_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.recharges import AutoRecharge
    from db.models.recharges import SavedMethod as StoredMethod
    from domain.recharges import Decision
    from services.coffer import Coffer
    from services.jobs import Effect

SWEEP_WALLETS: Final = 500
REPEAT_SECONDS: Final = 20 * 3_600
"""So long a charge without an answer is repeated: providers remember its reference for a day."""

STUCK_SECONDS: Final = 3_600
"""An attempt that is under way for that long is followed again, in case its follow-up died."""


async def start(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `recharge.start`: charge a wallet's saved method, if it needs credits now and nothing is under way."""
    purchase = await _begin(coffer, payload["wallet"])
    if purchase is not None:
        # What has no answer yet is asked again by the follow-up.
        with suppress(GatewayUnavailable, PaymentFailed):
            await advance(coffer, purchase)
    return nothing


async def follow_up(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `recharge.follow_up`: charge again under the same reference, or ask about the charge, until it is decided."""
    async with coffer.database.reading() as session:
        purchase = await purchase_queries.by_uuid(session, UUID(payload["purchase"]))
    if purchase is None or purchase.status not in OPEN:
        return nothing
    if purchase.order_id is not None:
        return await follow_order(coffer, payload)
    if purchase.saved_method_id and coffer.clock() - purchase.created_at > timedelta(seconds=REPEAT_SECONDS):
        return await _give_up(coffer, purchase)
    purchase = await advance(coffer, purchase)
    if purchase.status in OPEN:
        raise RetryLater(f"The charge is {purchase.status.name}.")
    return nothing


async def advance(coffer: Coffer, purchase: Purchase) -> Purchase:
    """Ask the provider for an attempt's money; safe to repeat, since our reference is the key there.

    GatewayUnavailable when there is no usable answer: the follow-up asks again.
    """
    async with coffer.database.reading() as session:
        stored = await queries.method_by_id(session, purchase.saved_method_id) if purchase.saved_method_id else None
    if stored is None:
        return await open_order(coffer, purchase)
    payment = await _charge(coffer, purchase, stored)
    async with coffer.database.transaction() as session:
        row = await purchase_queries.lock(session, purchase.uuid)
        assert row is not None  # noqa: S101 - purchases are never deleted
        if payment.order_id:
            await purchase_queries.add_order(session, row, payment.order_id)
            row.order_id = row.order_id or payment.order_id
        await apply_payment(coffer, session, purchase.gateway, payment)
    return row


async def sweep_recharges(coffer: Coffer) -> None:
    """Periodic: ask for what was missed: a wallet that is low still, an attempt that nobody follows any more."""
    now, after = coffer.clock(), 0
    async with coffer.database.transaction() as session:
        for purchase in await queries.stuck(session, now - timedelta(seconds=STUCK_SECONDS), SWEEP_WALLETS):
            await _follow(coffer, session, purchase)
    while True:
        async with coffer.database.transaction() as session:
            rows = await queries.needy(session, now, after, SWEEP_WALLETS)
            for row in rows:
                await ask(coffer, session, row, key=f"recharge.sweep:{row.wallet_id}")
        if len(rows) < SWEEP_WALLETS:
            return
        after = rows[-1].wallet_id


async def _begin(coffer: Coffer, wallet_id: int) -> Purchase | None:
    """Write the attempt and its purchase, if there is to be one: the intent, before anything is asked of a provider."""
    async with coffer.database.transaction() as session:
        # The wallet first, as everywhere: turning off writes it.
        await queries.lock_wallet(session, wallet_id)
        auto = await queries.lock_settings(session, wallet_id)
        if auto is None or not auto.enabled or await queries.open_recharge(session, wallet_id):
            return None
        stored = await queries.method_by_id(session, auto.saved_method_id)
        decision = await _decide(coffer, session, auto)
        if decision.verdict is Verdict.WAIT and decision.until is not None:
            seconds = (decision.until - coffer.clock()).total_seconds()
            await ask(coffer, session, auto, seconds, key=f"recharge.wait:{wallet_id}")
        if decision.verdict is Verdict.OVER_LIMIT:
            await _skip(coffer, session, auto, stored, decision.amount_minor)
        if decision.verdict is not Verdict.CHARGE:
            return None
        return await _write(coffer, session, auto, stored, decision.amount_minor)


async def _decide(coffer: Coffer, session: Session, auto: AutoRecharge) -> Decision:
    wallet = await wallet_queries.read(session, auto.wallet_id)
    spent = await queries.spent_since(session, wallet.id, month_start(coffer.clock()))
    credits = wallet.available_credits - wallet.debt_credits
    standing = Standing(credits, wallet.low_balance_threshold, spent, auto.charged_at, auto.retry_at)
    return decide(auto.terms, standing, coffer.clock())


async def _write(
    coffer: Coffer, session: Session, auto: AutoRecharge, stored: StoredMethod, amount_minor: int
) -> Purchase | None:
    """Write an attempt and its purchase; none when the purchase is doubtful, which turns auto-recharge off."""
    wanted = sold_by(coffer, stored.gateway, quote_amount(amount_minor))
    approval = needs_approval(stored.kind, stored.limit_minor, wanted.total_minor)
    row = await _attempt(session, auto, amount_minor, wanted.total_minor)
    method = PaymentMethod.UPI if approval else PaymentMethod.CREDIT_CARD
    request = PurchaseRequest(auto.wallet_uuid, None, amount_minor, method, f"recharge:{row.uuid.hex}")
    wallet = await wallet_queries.read(session, auto.wallet_id)
    if await screen(coffer, session, wallet, request, amount_minor):
        await turn_off(coffer, session, auto, "Stopped as doubtful: see `fraudEvents`.")
        await tell(coffer, session, auto, TURNED_OFF)
        return None
    row.state = RechargeState.AWAITING_APPROVAL if approval else RechargeState.CHARGING
    session.add(row)
    await session.flush()
    purchase = purchase_row(wallet, request, wanted, stored.gateway)
    purchase.recharge_id, purchase.saved_method_id = row.id, None if approval else stored.id
    session.add(purchase)
    row.purchase_uuid = purchase.uuid
    await session.flush()
    await _follow(coffer, session, purchase)
    await tell(coffer, session, row, row.state.name.lower())
    return purchase


async def _attempt(session: Session, auto: AutoRecharge, amount_minor: int, total_minor: int) -> Recharge:
    """The wallet's next attempt; its id follows from its number, so one number is charged once whatever happens."""
    last = await queries.last_recharge(session, auto.wallet_id)
    number = 1 if last is None else last.number + 1
    return Recharge(
        uuid=uuid5(auto.wallet_uuid, f"recharge:{number}"),
        project_id=auto.project_id,
        wallet_id=auto.wallet_id,
        wallet_uuid=auto.wallet_uuid,
        number=number,
        saved_method_id=auto.saved_method_id,
        amount_minor=amount_minor,
        total_minor=total_minor,
        currency="INR",
    )


async def _skip(coffer: Coffer, session: Session, auto: AutoRecharge, stored: StoredMethod, amount_minor: int) -> None:
    """Note, once a month, that the monthly limit stopped a recharge, and come back when the next month begins."""
    now = coffer.clock()
    auto.retry_at = next_month(now)
    await ask(coffer, session, auto, (auto.retry_at - now).total_seconds())
    wanted = sold_by(coffer, stored.gateway, quote_amount(amount_minor))
    row = await _attempt(session, auto, amount_minor, wanted.total_minor)
    row.state, row.finished_at = RechargeState.SKIPPED, now
    row.failure_reason = "The monthly limit is reached."
    session.add(row)
    await session.flush()
    await tell(coffer, session, row, "skipped")


async def _follow(coffer: Coffer, session: Session, purchase: Purchase) -> None:
    queue, kind, payload = follow_up_work(purchase)
    if purchase.saved_method_id is not None:
        kind = "recharge.follow_up"
    key = f"recharge.follow_up:{purchase.uuid.hex}"
    await enqueue(coffer, session, (queue, kind, payload), delay_seconds=FOLLOW_UP_SECONDS, key=key)


async def _charge(coffer: Coffer, purchase: Purchase, stored: StoredMethod) -> Payment:
    """The provider's answer to a charge; a refusal is a failed payment, and ends auto-recharge where it is for good."""
    gateway = coffer.gateway(purchase.gateway)
    method = SavedMethod(stored.customer_id, stored.method_id)
    words = (purchase.reference, purchase.quote.total_minor, purchase.currency, method)
    try:
        if stored.status is not MethodStatus.ACTIVE or not charges_alone(gateway):
            raise GatewayRefused("The saved method can't be charged any more.")
        return await gateway.charge(ChargeRequest(*words, f"{purchase.credits} credits"))
    except GatewayRefused as refused:
        await _stop_for_good(coffer, purchase, refused)
        failed = (purchase.reference, None, PurchaseStatus.FAILED, *words[1:3], str(refused))
        return Payment("", *failed)


async def _give_up(coffer: Coffer, purchase: Purchase) -> Effect:
    """Fail an attempt that was never answered; should it have been paid, its webhook still grants the credits."""
    words = (None, PurchaseStatus.FAILED, purchase.quote.total_minor, purchase.currency)
    payment = Payment("", purchase.reference, *words, "The payment provider did not answer.")

    async def effect(session: Session) -> None:
        await apply_payment(coffer, session, purchase.gateway, payment)

    return effect


async def _stop_for_good(coffer: Coffer, purchase: Purchase, refused: GatewayRefused) -> None:
    """Turn off what no other attempt can change: a method that is gone, or an account that may not charge."""
    async with coffer.database.transaction() as session:
        await queries.lock_wallet(session, purchase.wallet_id)
        auto = await queries.lock_settings(session, purchase.wallet_id)
        if auto is not None and auto.enabled:
            await turn_off(coffer, session, auto, str(refused))
            await tell(coffer, session, auto, TURNED_OFF)
