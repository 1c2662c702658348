"""Settling many payments at once: what most messages say, done for all of them in one transaction.

Whatever is not plain (a failure, a refund, another amount, a second payment) is left to be done one by one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from db import events as event_queries
from db import jobs as job_queries
from db import ledger
from db import purchases as queries
from db import transactions as transaction_queries
from db import wallets as wallet_queries
from db.rows import row_posting
from domain.happenings import Happening
from domain.jobs import Queue
from domain.ledger import Outcome
from domain.purchases import PurchaseStatus
from gateways.base import EventKind, GatewayRefused, GatewayUnavailable
from live import topics
from services.announcing import ANNOUNCED_ROWS
from services.feed import posting_messages
from services.happenings import happened_to_all
from services.jobs import count_done
from services.settlement import is_plain, movements_of, parse_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.events import GatewayEvent
    from db.models.jobs import Job
    from db.models.ledger import Wallet
    from db.models.purchases import Purchase
    from gateways.base import Payment
    from services.coffer import Coffer

KIND: Final = "gateway.event"
MESSAGES_AT_ONCE: Final = 200
CALLS_AT_ONCE: Final = 16
ASK_SECONDS: Final = 15.0
"""What has no answer by then is left: the jobs' leases run on."""

_log: Final = structlog.get_logger()


class Told(NamedTuple):
    """A message, its job, and what the provider says of its order."""

    job: Job
    event: GatewayEvent
    payment: Payment


class Settled(NamedTuple):
    """A message with the locked purchase that it pays."""

    told: Told
    purchase: Purchase


async def settle_together(coffer: Coffer, jobs: Sequence[Job]) -> Sequence[Job]:
    """Do claimed jobs of KIND in one transaction, where that is plain; those that are left. Never raises."""
    try:
        told = await _ask(coffer, jobs)
        done = await _settle(coffer, told) if told else set()
    except Exception:  # noqa: BLE001 - one by one, each fault finds its own job
        _log.warning("settle.not_together", jobs=len(jobs), exc_info=True)
        done = set()
    return [job for job in jobs if job.id not in done]


async def _ask(coffer: Coffer, jobs: Sequence[Job]) -> list[Told]:
    """Ask the providers about the orders of payment messages; what brings no answer is left out."""
    by_event = {job.payload["event"]: job for job in jobs}
    async with coffer.database.reading() as session:
        events = await event_queries.many(session, list(by_event))
    places = asyncio.Semaphore(CALLS_AT_ONCE)

    async def ask(event: GatewayEvent, order_id: str) -> Told | None:
        async with places:
            try:
                return Told(by_event[event.id], event, await coffer.gateway(event.gateway).fetch_payment(order_id))
            except (GatewayRefused, GatewayUnavailable):
                return None

    payments = [one for one in events if one.order_id and one.kind == EventKind.PAYMENT]
    asked = [asyncio.create_task(ask(one, one.order_id or "")) for one in payments]
    if asked:
        _, late = await asyncio.wait(asked, timeout=ASK_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return [told for task in asked if not task.cancelled() and (told := task.result()) is not None]


async def _settle(coffer: Coffer, told: Sequence[Told]) -> set[int]:
    """Grant every plain purchase; the ids of the jobs that are done by that."""
    async with coffer.database.transaction() as session:
        owned = await job_queries.hold_all(session, [one.job for one in told])
        settled = await _plain(session, [one for one in told if one.job.id in owned])
        if settled:
            await _grant(coffer, session, [one.purchase for one in settled])
            for one in settled:
                _pay(coffer, one)
            await session.flush()
            await happened_to_all(coffer, session, Happening.PURCHASE_SUCCEEDED, [one.purchase for one in settled])
            changed = [(topics.purchase(one.purchase.uuid), b"changed") for one in settled]
            session.after_commit(lambda: coffer.hub.publish_many(changed))
            await event_queries.mark_all(session, [one.told.event.id for one in settled], "granted")
        done = {one.told.job.id for one in settled}
        await job_queries.finish_all(session, list(done), coffer.clock())
    count_done(Queue.WEBHOOK_PROCESSING, KIND, len(done))
    return done


async def _plain(session: Session, told: Sequence[Told]) -> list[Settled]:
    """Those that pay a purchase and do nothing else, one for each purchase."""
    named = {one.job.id: parse_reference(one.payment.reference) for one in told}
    purchases = await queries.lock_all(session, [ours[0] for ours in named.values() if ours])
    found: dict[int, Settled] = {}
    for one in told:
        ours = named[one.job.id]
        purchase = purchases.get(ours[0]) if ours else None
        if purchase is not None and is_plain(purchase, one.event.gateway, one.payment):
            found.setdefault(purchase.id, Settled(one, purchase))
    return list(found.values())


async def _grant(coffer: Coffer, session: Session, purchases: Sequence[Purchase]) -> None:
    """Post the credits of all of them, and tell the feed."""
    before = {wallet.id: wallet for wallet in await wallet_queries.with_ids(session, _wallets(purchases))}
    start = {wallet_id: wallet.sequence for wallet_id, wallet in before.items()}
    movements = [one for purchase in purchases for one in movements_of(purchase, before[purchase.wallet_id])]
    if set(await ledger.post_many(session, movements)) != {Outcome.POSTED}:
        raise RuntimeError("The engine refused a movement, or had made it before.")
    await _announce(coffer, session, start)


async def _announce(coffer: Coffer, session: Session, start: dict[int, int]) -> None:
    rows = await transaction_queries.following_each(session, list(start.items()), ANNOUNCED_ROWS)
    wallets: dict[int, Wallet] = {one.id: one for one in await wallet_queries.with_ids(session, list(start))}
    messages = [
        message
        for (wallet_id, _), listed in rows.items()
        for row in listed
        for message in posting_messages(wallets[wallet_id], row, row_posting(row))
    ]
    session.after_commit(lambda: coffer.hub.publish_many(messages))


def _pay(coffer: Coffer, one: Settled) -> None:
    purchase, payment = one.purchase, one.told.payment
    purchase.status, purchase.payment_id = PurchaseStatus.SUCCESS, payment.payment_id
    purchase.failure_reason, purchase.card, purchase.updated_at = None, payment.card, coffer.clock()


def _wallets(purchases: Sequence[Purchase]) -> list[int]:
    return sorted({purchase.wallet_id for purchase in purchases})
