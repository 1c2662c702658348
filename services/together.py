"""Settling many payments at once: what most messages say, done for all of them in one transaction.

Whatever is not plain (a refund, another amount, a second payment, a recharge) is left to be done one by one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from db import events as event_queries
from db import jobs as job_queries
from db import ledger
from db import purchases as queries
from db import wallets as wallet_queries
from db.outages import is_outage
from domain.happenings import Happening
from domain.jobs import PAYMENT_MESSAGE, Queue
from domain.ledger import Outcome
from domain.purchases import PurchaseStatus
from gateways.base import EventKind
from services.announcing import announce_heard
from services.happenings import happened_to_all
from services.jobs import DONE, count_done, run_job
from services.settlement import PLAIN, movements_of, parse_reference, plain_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.jobs import Job
    from db.models.purchases import Purchase
    from gateways.base import Payment
    from services.coffer import Coffer
    from services.jobs import Handler

MESSAGES_AT_ONCE: Final = 500
"""One lot: its transaction holds the wallets that it pays."""

ALONE_AT_ONCE: Final = 8
CALLS_AT_ONCE: Final = 64
ASK_SECONDS: Final = 15.0
"""What has no answer by then is left: the jobs' leases run on."""

_log: Final = structlog.get_logger()


class Told(NamedTuple):
    """A message, its job, and what the provider says of its order."""

    job: Job
    event: Any
    payment: Payment
    reference: tuple[UUID, int] | None


class Settled(NamedTuple):
    """A message, the locked purchase that it is about, and what is made of it."""

    told: Told
    purchase: Purchase | None
    word: str


async def run_together(coffer: Coffer, handlers: Mapping[str, Handler], jobs: Sequence[Job]) -> dict[int, str]:
    """Attempt claimed jobs, messages by sets and what is left one by one; how each ended, by its id. Never raises."""
    messages = [job for job in jobs if job.kind == PAYMENT_MESSAGE]
    left = [*await settle_together(coffer, messages), *(job for job in jobs if job.kind != PAYMENT_MESSAGE)]
    places = asyncio.Semaphore(ALONE_AT_ONCE)

    async def alone(job: Job) -> str:
        async with places:
            return await run_job(coffer, handlers, job)

    ends = await asyncio.gather(*map(alone, left))
    return {job.id: DONE for job in jobs} | {job.id: end for job, end in zip(left, ends, strict=True)}


async def settle_together(coffer: Coffer, jobs: Sequence[Job]) -> Sequence[Job]:
    """Do claimed jobs of PAYMENT_MESSAGE by sets, where that is plain; those that are left. Never raises."""
    done: set[int] = set()
    if not jobs:
        return ()
    try:
        done = await _settle(coffer, await _ask(coffer, jobs))
    except Exception:  # noqa: BLE001 - one by one, each fault finds its own job
        _log.warning("settle.not_together", jobs=len(jobs), exc_info=True)
    count_done(Queue.WEBHOOK_PROCESSING, PAYMENT_MESSAGE, len(done))
    return [job for job in jobs if job.id not in done]


async def _ask(coffer: Coffer, jobs: Sequence[Job]) -> list[Told]:
    """Ask the providers about the orders of payment messages; what brings no answer is left out."""
    by_event = {job.payload["event"]: job for job in jobs}
    async with coffer.database.reading() as session:
        events = await event_queries.many(session, list(by_event))
    places = asyncio.Semaphore(CALLS_AT_ONCE)

    async def ask(event: Any) -> Told:  # noqa: ANN401 - a row
        async with places:
            payment = await coffer.gateway(event.gateway).fetch_payment(event.order_id)
        return Told(by_event[event.id], event, payment, parse_reference(payment.reference))

    asked = [asyncio.create_task(ask(one)) for one in events if one.order_id and one.kind == EventKind.PAYMENT]
    if asked:
        _, late = await asyncio.wait(asked, timeout=ASK_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    # One by one, each fault finds its own job.
    return [task.result() for task in asked if not task.cancelled() and task.exception() is None]


async def _settle(coffer: Coffer, told: Sequence[Told]) -> set[int]:
    """Settle a lot in one transaction, or, where that fails, its halves; the ids of the jobs that are done by that."""
    if not told:
        return set()
    try:
        return await _settle_lot(coffer, told)
    except Exception as fault:
        if len(told) == 1 or is_outage(fault):
            raise
        _log.warning("settle.halved", messages=len(told), exc_info=True)
    return await _settle_half(coffer, told[: len(told) // 2]) | await _settle_half(coffer, told[len(told) // 2 :])


async def _settle_half(coffer: Coffer, told: Sequence[Told]) -> set[int]:
    """The same, of which a message that can't be settled is left out."""
    try:
        return await _settle(coffer, told)
    except Exception:  # noqa: BLE001 - one by one it gets its attempts, and ends up dead and visible
        return set()


async def _settle_lot(coffer: Coffer, told: Sequence[Told]) -> set[int]:
    """Bring every plain purchase to what its payment says; the ids of the jobs that are done by that."""
    async with coffer.database.transaction() as session:
        owned = await job_queries.hold_all(session, [one.job for one in told])
        settled = await _plain(session, [one for one in told if one.job.id in owned])
        if settled:
            await _change(coffer, session, [one for one in settled if one.word in PLAIN.values()])
            await event_queries.mark_all(session, [_verdict(one) for one in settled])
            await job_queries.finish_all(session, [one.told.job.id for one in settled], coffer.clock())
    return {one.told.job.id for one in settled}


async def _plain(session: Session, told: Sequence[Told]) -> list[Settled]:
    """Those messages that bring a purchase to one status, one for each purchase, or to nothing at all."""
    purchases = await queries.lock_all(session, list({one.reference[0] for one in told if one.reference}))
    changed: dict[int, int] = {}
    settled = []
    for one in told:
        uuid, attempt = one.reference or (None, 0)
        purchase = purchases.get(uuid) if uuid else None
        word = plain_word(purchase, one.event.gateway, one.payment, attempt)
        plain = word in PLAIN.values()
        if plain and purchase and changed.setdefault(purchase.id, one.event.id) != one.event.id:
            word = None  # another message of this lot changes its purchase; what this one means is known after that
        if word:
            settled.append(Settled(one, purchase, word))
    return settled


async def _change(coffer: Coffer, session: Session, settled: Sequence[Settled]) -> None:
    """Post the credits of paid purchases, mark all of them, and ask for what follows."""
    told = {one.purchase: one.told.payment for one in settled if one.purchase}
    if not told:
        return
    paid, failed = (
        [purchase for purchase, payment in told.items() if payment.status is status]
        for status in (PurchaseStatus.SUCCESS, PurchaseStatus.FAILED)
    )
    before = await _post(session, paid) if paid else {}
    await queries.change_all(session, [_changed(purchase, payment) for purchase, payment in told.items()])
    await happened_to_all(coffer, session, Happening.PURCHASE_SUCCEEDED, paid)
    await happened_to_all(coffer, session, Happening.PURCHASE_FAILED, failed)
    uuids = [purchase.uuid for purchase in told]
    session.after_commit(lambda: announce_heard(coffer, before, uuids))


def _changed(purchase: Purchase, payment: Payment) -> queries.Change:
    if payment.status is PurchaseStatus.SUCCESS:
        return queries.Change(purchase.id, payment.status, payment.payment_id, None, payment.card)
    return queries.Change(purchase.id, payment.status, purchase.payment_id, payment.failure_reason, purchase.card)


async def _post(session: Session, purchases: Sequence[Purchase]) -> Mapping[int, int]:
    """Give the credits of all of them; the sequence that each wallet had before."""
    ids = sorted({purchase.wallet_id for purchase in purchases})
    wallets = {wallet.id: wallet for wallet in await wallet_queries.with_ids(session, ids)}
    movements = [one for purchase in purchases for one in movements_of(purchase, wallets[purchase.wallet_id])]
    posted = await ledger.post_many(session, movements)
    if {outcome for outcome, _, _ in posted} != {Outcome.POSTED}:
        raise RuntimeError("The engine refused a movement, or had made it before.")
    before: dict[int, int] = {}
    for _, wallet_id, sequence in posted:
        before[wallet_id] = min(before.get(wallet_id, sequence), sequence - 1)
    return before


def _verdict(one: Settled) -> event_queries.Verdict:
    event, purchase = one.told.event, one.purchase
    # A message that came before its order was known here gets its project now.
    project_id = event.project_id or (purchase.project_id if purchase and one.word != "not ours" else None)
    return event_queries.Verdict(event.id, one.word, one.told.job.attempts, project_id)
