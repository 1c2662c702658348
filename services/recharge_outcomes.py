"""What becomes of an attempt to recharge: written with its purchase, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from db import recharges as queries
from domain.jobs import Queue
from domain.recharges import RechargeState, retry_after, state_after
from live import topics
from services.feed import settings_message
from services.jobs import enqueue, nothing
from services.notifications import notify_recharge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.recharges import AutoRecharge, Recharge
    from services.coffer import Coffer
    from services.jobs import Effect

_log: Final = structlog.get_logger()

ENDED: Final = frozenset({RechargeState.SUCCEEDED, RechargeState.FAILED})
TURNED_OFF: Final = "turned_off"
"""The event of an auto-recharge that stopped by itself."""


async def note_purchase(coffer: Coffer, session: Session, purchase: Purchase) -> None:
    """Bring the attempt that a purchase belongs to to where the purchase stands."""
    if purchase.recharge_id is None:
        return
    row = await queries.lock_recharge(session, purchase.recharge_id)
    state = state_after(row.state, purchase.status)
    row.approval_url = purchase.checkout_url if state is RechargeState.AWAITING_APPROVAL else None
    if state is row.state:
        return
    row.state, row.failure_reason = state, purchase.failure_reason
    row.finished_at = coffer.clock() if state in ENDED else None
    await session.flush()
    if state in ENDED:
        await _settle(coffer, session, row)
    await tell(coffer, session, row, state.name.lower())


async def turn_off(coffer: Coffer, session: Session, row: AutoRecharge, reason: str | None) -> None:
    """Stop a locked auto-recharge, and tell who watches its wallet."""
    await queries.turn_off(session, row, reason)
    wallet = await queries.lock_wallet(session, row.wallet_id)
    session.after_commit(lambda: coffer.hub.publish_many([settings_message(wallet)]))


async def tell(coffer: Coffer, session: Session, row: Recharge | AutoRecharge, event: str) -> None:
    """Write an event of an auto-recharge, in the transaction that made it."""
    payload = {"event": event, "wallet": row.wallet_id, "project_id": row.project_id}
    payload |= {"recharge": row.uuid.hex} if hasattr(row, "uuid") else {}
    await enqueue(coffer, session, (Queue.NOTIFICATIONS_BILLING, "recharge.event", payload))
    await notify_recharge(coffer, session, row, event)


async def handle_event(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `recharge.event`: tell streams of the wallet's auto-recharge that it changed."""
    _log.info("recharge.event", wallet=payload["wallet"], happened=payload["event"])
    await coffer.hub.publish(topics.recharges(payload["wallet"]), b"changed")
    return nothing


async def ask(
    coffer: Coffer, session: Session, row: AutoRecharge, delay_seconds: float = 0, *, key: str | None = None
) -> None:
    """Ask for a recharge of a wallet, if it needs one then; of those with a key one that waits is enough."""
    payload = {"wallet": row.wallet_id, "project_id": row.project_id}
    work = (Queue.PAYMENT_PROCESSING, "recharge.start", payload)
    await enqueue(coffer, session, work, delay_seconds=delay_seconds, key=key)


async def _settle(coffer: Coffer, session: Session, row: Recharge) -> None:
    """Count what happened: a success starts the cool-off, a decline the wait for another attempt, or was the last."""
    wallet = await queries.lock_wallet(session, row.wallet_id)
    auto = await queries.lock_settings(session, wallet.id)
    if auto is None:
        return
    if row.state is RechargeState.SUCCEEDED:
        auto.failures, auto.retry_at, auto.charged_at = 0, None, row.finished_at
        return
    auto.failures += 1
    wait = retry_after(auto.failures)
    if not auto.enabled:
        return
    if wait is None:
        await turn_off(coffer, session, auto, f"Turned off after {auto.failures} declines: {row.failure_reason}")
        await tell(coffer, session, auto, TURNED_OFF)
        return
    auto.retry_at = coffer.clock() + wait
    await ask(coffer, session, auto, wait.total_seconds())
