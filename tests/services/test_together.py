"""Payments that are settled together: the same as one by one, and what is not plain is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db import purchases as queries
from db.reconcile import reconcile
from domain.happenings import Happening
from domain.jobs import JobState, Queue
from domain.purchases import PurchaseStatus as S
from gateways.base import EventKind, GatewayUnavailable, Payment, WebhookEvent
from gateways.simulated import SimulatedGateway
from services import happenings
from services.jobs import list_jobs
from services.purchases import purchase_credits
from services.together import settle_together
from services.webhooks import Intake, list_webhook_events
from tests.builders import SECRET, owner_of, wallet_with
from tests.services.job_steps import claim
from tests.services.reversal_steps import ALL
from tests.services.test_settlement import payment_of, request_for, state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.models.jobs import Job
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


async def bought(process: Coffer, actor: Actor, number: int) -> Purchase:
    """A purchase with an order that can be paid."""
    wallet = await wallet_with(process, actor, 0)
    purchase = await purchase_credits(process, actor, request_for(wallet.uuid))
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


async def told(process: Coffer, orders: list[str], kind: EventKind = EventKind.PAYMENT) -> list[Job]:
    """Messages about these orders, and their claimed jobs."""
    intake = Intake(process)
    for number, order in enumerate(orders):
        assert await intake.receive("simulated", WebhookEvent(f"e-{number}", "paid", order, kind), b"{}")
    return [job for job in await claim(process) if job.kind == "gateway.event"]


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
    """A second message of one purchase, a failure, another amount and an unknown order are done one by one."""
    actor = await owner_of(process)
    good, failed, wrong = [await bought(process, actor, number) for number in range(3)]
    provider.payments = {
        "order-0": paid(good),
        "order-1": paid(failed, S.FAILED),
        "order-2": paid(wrong, total_minor=1),
    }
    jobs = await told(process, ["order-0", "order-0", "order-1", "order-2", "nobody's"])
    left = await settle_together(process, jobs)
    assert len(left) == 4
    assert [await state(process, actor, one) for one in (good, failed, wrong)] == [
        ("SUCCESS", 5_500),
        ("PROCESSING", 0),
        ("PROCESSING", 0),
    ]


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
