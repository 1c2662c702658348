"""Days compared with the simulated provider's own list, over HTTP and with a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from domain.errors import InvalidInput
from domain.pages import Page
from domain.totals import DifferenceKind as K
from domain.totals import MoneyMovement as M
from runtime.process import handlers
from services import simulated_provider as provider
from services.jobs import run_job
from services.purchases import get_purchase, purchase_credits
from services.totals import ask_for_check, list_days, plan_checks
from tests.api.conftest import serving
from tests.builders import owner_of, wallet_with
from tests.services.job_steps import claim
from tests.services.purchase_steps import paid
from tests.services.simulated_steps import NEVER_MS, opened
from tests.services.test_settlement import apply, payment_of, request_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.models.purchases import Purchase
    from db.models.totals import GatewayDay
    from domain.permissions import Actor
    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.services.job_steps import Clock

ALL = Page(50, None)
ONE = {"currency": "INR", "payments": 1, "paid_minor": 60_200, "refunds": 0, "refunded_minor": 0}
LATER_SECONDS = 26 * 3_600


@pytest.fixture
async def shop(timed: Coffer, settings: Settings) -> AsyncIterator[Coffer]:
    """A process with its simulated provider, whose worker does what a test lets it do."""
    async with serving(timed, replace(settings, simulated_delay_ms=NEVER_MS)):
        yield timed


async def work(coffer: Coffer, settings: Settings, *kinds: str) -> None:
    """Do what is due of these kinds; what is due of other kinds is lost."""
    for job in await claim(coffer):
        if job.kind in kinds:
            assert await run_job(coffer, handlers(settings), job) == "done"


async def ordered(coffer: Coffer) -> tuple[Actor, Purchase, str]:
    """A purchase that the buyer pays at the provider, of which no message comes and which nobody asks about."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    purchase = await purchase_credits(coffer, actor, request_for(wallet.uuid))
    order = purchase.order_id or ""
    await provider.act(coffer, order, "pay", "UPI")
    await lose_jobs(coffer)
    return actor, purchase, order


async def sold(coffer: Coffer) -> tuple[Actor, Purchase, str]:
    """The same, and its payment is told."""
    actor, purchase, order = await ordered(coffer)
    assert await apply(coffer, payment_of(purchase, order_id=order, payment_id=f"pay_{order}")) == "granted"
    await lose_jobs(coffer)
    return actor, purchase, order


async def lose_jobs(coffer: Coffer) -> None:
    """Forget all that is to be done."""
    async with coffer.database.transaction() as session:
        await session.execute(text("delete from job"))


async def checked(coffer: Coffer, settings: Settings, actor: Actor, day: date) -> GatewayDay:
    """Ask for a day, have it compared, and read it."""
    await ask_for_check(coffer, actor, "simulated", day)
    await work(coffer, settings, "gateway.check")
    [row] = [one for one in await list_days(coffer, actor, None, ALL, only_differing=False) if one.day == day]
    return row


def differences(row: GatewayDay) -> list[tuple[K, M, str]]:
    """Kind, way and provider's id of each difference."""
    return [(K(one["kind"]), M(one["movement"]), one["provider_id"]) for one in row.differences]


def today() -> date:
    """The day on which tests take and give money back."""
    return datetime.now(UTC).date()


async def test_a_day_without_differences(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """A payment and its refund stand on both sides, and the sums are the same; comparing again gives the same row."""
    actor, purchase, order = await sold(shop)
    clock.move(LATER_SECONDS)
    first = await checked(shop, settings, actor, today())
    again = await checked(shop, settings, actor, today())
    assert (first.ours, first.theirs, first.difference_count, first.differs_since) == ([ONE], [ONE], 0, None)
    assert (again.id, again.ours, again.theirs, again.differences) == (first.id, [ONE], [ONE], [])
    assert again.checked_at >= first.checked_at
    assert (purchase.order_id, order[:4]) == (order, "sim_")


async def test_a_lost_payment_is_found_and_mended(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """No message came and nobody asked: the clock has the day compared, and the provider is asked about the order."""
    actor, purchase, order = await ordered(shop)
    clock.move(LATER_SECONDS)
    await plan_checks(shop)
    await work(shop, settings, "gateway.check")
    [row] = await list_days(shop, actor, "simulated", ALL, only_differing=True)
    assert (differences(row), row.ours, row.theirs) == ([(K.MISSING_HERE, M.PAYMENT, f"pay_{order}")], [], [ONE])
    assert (row.day, row.differences[0]["purchase"]) == (today(), purchase.uuid.hex)
    await work(shop, settings, "purchase.follow_up")
    found = await get_purchase(shop, actor, purchase.uuid)
    assert found is not None
    assert found.status.name == "SUCCESS"
    mended = await checked(shop, settings, actor, today())
    assert (mended.ours, mended.theirs, mended.differences, mended.differs_since) == ([ONE], [ONE], [], None)


async def test_a_refund_elsewhere_is_found_and_mended(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """Money that went back at the provider, of which no message came, is asked about and booked."""
    actor, _, order = await sold(shop)
    await provider.refund_order(shop, order, "elsewhere", 10_000)
    clock.move(LATER_SECONDS)
    row = await checked(shop, settings, actor, today())
    assert differences(row) == [(K.MISSING_HERE, M.REFUND, "simref_elsewhere")]
    await work(shop, settings, "purchase.reversals")
    mended = await checked(shop, settings, actor, today())
    both = ONE | {"refunds": 1, "refunded_minor": 10_000}
    assert (mended.ours, mended.theirs, mended.differences) == ([both], [both], [])


async def test_what_the_provider_does_not_list(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """A payment of the books that the provider has not is a difference; nothing is asked, and nothing is changed."""
    actor, purchase = await paid(shop)
    await lose_jobs(shop)
    clock.move(LATER_SECONDS)
    row = await checked(shop, settings, actor, today())
    assert differences(row) == [(K.MISSING_THERE, M.PAYMENT, f"pay-{purchase.uuid}")]
    assert (row.ours, row.theirs, await claim(shop)) == ([ONE], [], [])


async def test_a_payment_that_was_booked_late(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """Paid days before it was booked: its day at the provider is the one on which both sides count it."""
    clock.move(-3 * 24 * 3_600)
    actor, _, _ = await sold(shop)
    clock.move(3 * 24 * 3_600 + LATER_SECONDS)
    paid_on = today() - timedelta(days=3)
    rows = [await checked(shop, settings, actor, day) for day in (today(), paid_on)]
    assert [(row.ours, row.theirs, row.difference_count) for row in rows] == [([], [], 0), ([ONE], [ONE], 0)]


async def test_a_payment_of_no_purchase(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """It is the difference of the only project that sells through the provider; with another one it is nobody's."""
    actor, _, _ = await sold(shop)
    await provider.act(shop, await opened(shop), "pay", "UPI")
    clock.move(LATER_SECONDS)
    row = await checked(shop, settings, actor, today())
    assert [(kind, one["purchase"]) for (kind, _, _), one in zip(differences(row), row.differences, strict=True)] == [
        (K.MISSING_HERE, None)
    ]
    other = await owner_of(shop, "another")
    await purchase_credits(shop, other, request_for((await wallet_with(shop, other, 0)).uuid))
    await lose_jobs(shop)
    assert (await checked(shop, settings, actor, today())).difference_count == 0


async def test_a_difference_that_stays_is_counted(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """The metric counts a day that has differed for hours, since its first comparison, and no younger one."""
    actor, _ = await paid(shop)
    await lose_jobs(shop)
    counted = []
    since = set()
    for hours in (26, 13, 1):
        clock.move(hours * 3_600)
        since.add((await checked(shop, settings, actor, today())).differs_since)
        await plan_checks(shop)
        counted.append(REGISTRY.get_sample_value("coffer_gateway_days_differing", {"gateway": "simulated"}))
    assert (counted, len(since)) == ([0, 1, 1], 1)


@pytest.mark.parametrize("days", [0, -1, 91])
async def test_a_day_that_can_not_be_compared(timed: Coffer, days: int) -> None:
    """A day that is not over, or is too long ago, is refused."""
    actor = await owner_of(timed)
    with pytest.raises(InvalidInput, match="last 90 that are over"):
        await ask_for_check(timed, actor, "simulated", timed.clock().astimezone(UTC).date() - timedelta(days=days))


async def test_the_latest_days_are_compared_again(shop: Coffer, clock: Clock, settings: Settings) -> None:
    """A day is planned once however many rounds come, and again hours after it was compared."""
    await sold(shop)
    clock.move(LATER_SECONDS)
    planned = []
    for hours in (0, 1, 9):
        clock.move(hours * 3_600)
        for _ in range(2):
            await plan_checks(shop)
        jobs = await claim(shop)
        planned.append(sum(job.payload["day"] == today().isoformat() for job in jobs))
        for job in jobs:
            await run_job(shop, handlers(settings), job)
    assert planned == [1, 0, 1]
