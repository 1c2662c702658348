"""Payments that are settled together: the same as one by one, and what is not plain is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from db import moves
from db import purchases as queries
from db.models.events import GatewayEvent
from db.reconcile import reconcile
from domain.happenings import Happening
from domain.jobs import JobState, Queue
from domain.purchases import PurchaseStatus as S
from gateways.base import EventKind, GatewayUnavailable, Payment, WebhookEvent
from gateways.simulated import SimulatedGateway
from live import topics
from services import happenings
from services.feed import read_change
from services.jobs import list_jobs
from services.purchases import get_purchase, purchase_credits
from services.together import settle_together
from services.webhooks import Intake, list_webhook_events
from tests.builders import SECRET, owner_of, wallet_with
from tests.services.job_steps import claim
from tests.services.reversal_steps import ALL
from tests.services.test_settlement import payment_of, request_for, state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.models.jobs import Job
    from db.models.ledger import Wallet
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer


class Says(SimulatedGateway):
    """A provider whose answers the test writes."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", [SECRET])
        self.payments: dict[str, Payment] = {}

    async def fetch_payment(self, order_id: str) -> Payment:
        """Say what the test wrote."""
        if order_id not in self.payments:
            raise GatewayUnavailable("no answer")
        return self.payments[order_id]


@pytest.fixture
async def provider() -> AsyncIterator[Says]:
    """The provider."""
    opened = Says()
    yield opened
    await opened.close()


@pytest.fixture
def process(coffer: Coffer, provider: Says) -> Coffer:
    """A process that talks to it."""
    return replace(coffer, gateways={"simulated": provider})


async def bought(process: Coffer, actor: Actor, number: int, wallet: Wallet | None = None) -> Purchase:
    """A purchase with an order that can be paid."""
    wallet = wallet or await wallet_with(process, actor, 0)
    request = replace(request_for(wallet.uuid), idempotency_key=f"buy-{number}")
    purchase = await purchase_credits(process, actor, request)
    async with process.database.transaction() as session:
        row = await queries.lock(session, purchase.uuid)
        assert row is not None
        row.order_id = f"order-{number}"
        await queries.add_order(session, row, row.order_id)
    return row


def paid(purchase: Purchase, status: S = S.SUCCESS, **changes: object) -> Payment:
    """What the provider says of the purchase's order."""
    words: dict[str, object] = {"order_id": purchase.order_id, "payment_id": f"pay-{purchase.order_id}"}
    return payment_of(purchase, status, **words | changes)


async def told(process: Coffer, orders: list[str], start: int = 0) -> list[Job]:
    """Messages about these orders, and their claimed jobs in the same order."""
    intake = Intake(process)
    for number, order in enumerate(orders, start):
        assert await intake.receive("simulated", WebhookEvent(f"e-{number}", "paid", order, EventKind.PAYMENT), b"{}")
    jobs = [job for job in await claim(process) if job.kind == "gateway.event"]
    return sorted(jobs, key=lambda job: int(job.payload["event"]))


async def test_many_payments_are_granted_in_one_go(process: Coffer, provider: Says, database_url: str) -> None:
    """Thirty purchases are paid, granted and told of; each job is done and each message has its verdict."""
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(30)]
    provider.payments = {str(one.order_id): paid(one) for one in purchases}
    jobs = await told(process, list(provider.payments))
    assert await settle_together(process, jobs) == []
    assert {await state(process, actor, one) for one in purchases} == {("SUCCESS", 5_500)}
    log = await list_webhook_events(process, actor, None, None, ALL)
    assert {(row.state.name, row.verdict, row.attempts) for row in log} == {("PROCESSED", "granted", 1)}
    assert (await reconcile(database_url))["violations"] == 0


async def test_what_is_not_plain_is_left(process: Coffer, provider: Says) -> None:
    """A second message of one purchase, another amount and an unknown order are done one by one."""
    actor = await owner_of(process)
    good, wrong = [await bought(process, actor, number) for number in range(2)]
    provider.payments = {"order-0": paid(good), "order-1": paid(wrong, total_minor=1)}
    jobs = await told(process, ["order-0", "order-0", "order-1", "nobody's"])
    left = await settle_together(process, jobs)
    assert len(left) == 3
    assert [await state(process, actor, one) for one in (good, wrong)] == [("SUCCESS", 5_500), ("PROCESSING", 0)]


async def test_failures_and_pending_payments_are_settled_with_the_paid_ones(
    process: Coffer, provider: Says, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps its provider's reason, a watcher and the followers hear of it, and it may be paid in a later lot."""
    monkeypatch.setitem(happenings.FOLLOWERS, Happening.PURCHASE_FAILED, ((Queue.INVOICE_GENERATE, "test.follow"),))
    actor = await owner_of(process)
    good, failed, pending = [await bought(process, actor, number) for number in range(3)]
    provider.payments = {
        "order-0": paid(good),
        "order-1": paid(failed, S.FAILED, payment_id=None, failure_reason="declined", is_final=False),
        "order-2": paid(pending, S.PENDING, payment_id=None),
    }
    jobs = await told(process, list(provider.payments))
    async with process.hub.subscribe(topics.purchase(failed.uuid)) as changes:
        assert await settle_together(process, jobs) == []
        async with asyncio.timeout(10):
            assert await anext(changes) == b"changed"
    statuses = [(await state(process, actor, one))[0] for one in (good, failed, pending)]
    assert statuses == ["SUCCESS", "FAILED", "PENDING"]
    row = await get_purchase(process, actor, failed.uuid)
    assert row is not None
    assert (row.failure_reason, row.payment_id) == ("declined", None)
    log = await list_webhook_events(process, actor, None, None, ALL)
    assert [row.verdict for row in reversed(log)] == ["granted", "failed", "pending"]
    [follower] = [job for job in await list_jobs(process, actor, JobState.READY, ALL) if job.kind == "test.follow"]
    assert follower.payload["purchase"] == failed.uuid.hex
    provider.payments = {str(one.order_id): paid(one) for one in (failed, pending)}
    assert await settle_together(process, await told(process, list(provider.payments), start=3)) == []
    assert {await state(process, actor, one) for one in (failed, pending)} == {("SUCCESS", 5_500)}
    assert (await reconcile(database_url))["violations"] == 0


async def test_one_wallet_may_have_many_of_the_payments(process: Coffer, provider: Says, database_url: str) -> None:
    """Twenty purchases of one wallet in one lot give the credits of all; its rows chain to each other."""
    actor = await owner_of(process)
    wallet = await wallet_with(process, actor, 0)
    purchases = [await bought(process, actor, number, wallet) for number in range(20)]
    provider.payments = {str(one.order_id): paid(one) for one in purchases}
    assert await settle_together(process, await told(process, list(provider.payments))) == []
    assert await state(process, actor, purchases[0]) == ("SUCCESS", 20 * 5_500)
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_debt_is_paid_from_a_purchase_of_a_lot(process: Coffer, provider: Says, database_url: str) -> None:
    """A wallet that owes credits is left to the engine's way of one by one, beside one that owes none."""
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(2)]
    async with process.database.transaction() as session:
        words = {"wallet_id": purchases[0].wallet_id, "amount": 500, "key": "taken", "source_id": None}
        await moves.claw_back(session, words)
    provider.payments = {str(one.order_id): paid(one) for one in purchases}
    assert await settle_together(process, await told(process, list(provider.payments))) == []
    assert [await state(process, actor, one) for one in purchases] == [("SUCCESS", 5_000), ("SUCCESS", 5_500)]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_message_that_poisons_its_lot_is_left_alone(process: Coffer, provider: Says, database_url: str) -> None:
    """A payment that pays for another purchase already breaks the transaction; all others of its lot are granted."""
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(9)]
    provider.payments = {str(one.order_id): paid(one) for one in purchases[:1]}
    await settle_together(process, await told(process, ["order-0"]))
    provider.payments = {str(one.order_id): paid(one) for one in purchases[1:]}
    provider.payments["order-5"] = paid(purchases[5], payment_id="pay-order-0")
    jobs = await told(process, list(provider.payments), start=1)
    [poison] = await settle_together(process, jobs)
    assert [(await state(process, actor, one))[0] for one in purchases].index("PROCESSING") == 5
    assert poison.payload["event"] == jobs[4].payload["event"]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_provider_that_can_not_be_read_costs_its_own_message(process: Coffer, provider: Says) -> None:
    """An answer that raises whatever leaves the other messages of the lot alone."""
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(2)]
    provider.payments = {"order-0": None, "order-1": paid(purchases[1])}  # type: ignore[dict-item]  # what breaks it
    jobs = await told(process, ["order-0", "order-1"])
    assert await settle_together(process, jobs) == [jobs[0]]


async def test_what_changes_nothing_is_done_by_sets_too(process: Coffer, provider: Says) -> None:
    """A repeated success, news that come too late and an order of nobody get their verdicts; nothing is left."""
    actor = await owner_of(process)
    purchase = await bought(process, actor, 0)
    provider.payments = {"order-0": paid(purchase)}
    await settle_together(process, await told(process, ["order-0"]))
    provider.payments["late"] = paid(purchase, S.PENDING)
    provider.payments["other"] = paid(purchase, reference="somebody-else's")
    assert await settle_together(process, await told(process, ["order-0", "late", "other"], start=1)) == []
    async with process.database.reading() as session:
        verdicts = await session.scalars(select(GatewayEvent.verdict).order_by(GatewayEvent.id))
    assert list(verdicts) == ["granted", "known", "too late", "not ours"]


async def test_a_watcher_hears_of_a_grant_in_a_lot(process: Coffer, provider: Says) -> None:
    """Who listens to a wallet gets its new rows; its purchase's watcher is told that it changed."""
    actor = await owner_of(process)
    purchase = await bought(process, actor, 0)
    provider.payments = {"order-0": paid(purchase)}
    jobs = await told(process, ["order-0"])
    async with (
        process.hub.subscribe(topics.wallet(purchase.wallet_id)) as wallet,
        process.hub.subscribe(topics.purchase(purchase.uuid)) as changes,
    ):
        await settle_together(process, jobs)
        async with asyncio.timeout(10):
            assert await anext(changes) == b"changed"
            # Only the newest state waits for a slow reader, as the wallet's own stream reads it.
            newest = read_change(await anext(wallet))
    assert newest.wallet.available_credits == 5_500


async def test_two_workers_with_the_same_payments_grant_once(
    process: Coffer, provider: Says, database_url: str
) -> None:
    """Two messages of each purchase, settled at the same time in opposite order, give the credits once."""
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(10)]
    provider.payments = {str(one.order_id): paid(one) for one in purchases}
    jobs = await told(process, [*provider.payments, *reversed(provider.payments)])
    await asyncio.gather(settle_together(process, jobs[:10]), settle_together(process, jobs[10:]))
    assert {await state(process, actor, one) for one in purchases} == {("SUCCESS", 5_500)}
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_job_that_was_lost_to_another_worker_does_nothing(process: Coffer, provider: Says) -> None:
    """When a lease has passed and another attempt has the job, nothing is granted under the old one."""
    actor = await owner_of(process)
    purchase = await bought(process, actor, 0)
    provider.payments = {"order-0": paid(purchase)}
    [job] = await told(process, ["order-0"])
    job.leased_until = process.clock()
    assert await settle_together(process, [job]) == [job]
    assert await state(process, actor, purchase) == ("PROCESSING", 0)


async def test_followers_hear_of_payments_that_were_settled_together(
    process: Coffer, provider: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever follows paid purchases gets a job for each."""
    monkeypatch.setitem(happenings.FOLLOWERS, Happening.PURCHASE_SUCCEEDED, ((Queue.INVOICE_GENERATE, "test.follow"),))
    actor = await owner_of(process)
    purchases = [await bought(process, actor, number) for number in range(3)]
    provider.payments = {str(one.order_id): paid(one) for one in purchases}
    await settle_together(process, await told(process, list(provider.payments)))
    jobs = [job for job in await list_jobs(process, actor, JobState.READY, ALL) if job.kind == "test.follow"]
    assert {job.payload["purchase"] for job in jobs} == {one.uuid.hex for one in purchases}
