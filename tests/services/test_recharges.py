"""Auto-recharge: from the spend that makes it necessary to credits, once, whatever happens in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db.reconcile import reconcile
from domain.errors import InvalidState
from domain.jobs import LEASE_SECONDS
from domain.pages import Page
from domain.purchases import PurchaseStatus as S
from domain.recharges import RETRY_SECONDS, MethodKind
from runtime.worker import CONCURRENT_JOBS
from services.jobs import free_abandoned, list_jobs, run_job
from services.recharge_settings import disable, get
from services.recharges import REPEAT_SECONDS, STUCK_SECONDS, sweep_recharges
from services.saved_methods import remove_method
from services.wallets import get_wallet
from tests.services.job_steps import claim
from tests.services.recharge_steps import (
    HANDLERS,
    TERMS,
    Bank,
    WorkerKilledError,
    dip,
    drain,
    history,
    recharging,
    states,
    with_bank,
)

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock

CROSSINGS = 200


@pytest.fixture
def bank() -> Bank:
    """The provider."""
    return Bank()


@pytest.fixture
def coffer_with_bank(timed: Coffer, bank: Bank) -> Coffer:
    """The process, with a clock that tests move."""
    return with_bank(timed, bank)


async def balance(coffer: Coffer, actor: Actor, wallet: Wallet) -> int:
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found
    return found.available_credits


async def events(coffer: Coffer, actor: Actor) -> list[str]:
    """The events of auto-recharge, oldest first."""
    jobs = await list_jobs(coffer, actor, None, Page(100, None))
    return [job.payload["event"] for job in reversed(jobs) if job.kind == "recharge.event"]


async def test_the_spend_that_crosses_the_threshold_recharges(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank
) -> None:
    """One spend below the threshold is one charge of the quoted total, and its credits arrive."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    [payment] = bank.charged.values()
    assert payment.total_minor == 60_200
    assert await states(coffer_with_bank, actor, wallet) == ["SUCCEEDED"]
    assert await balance(coffer_with_bank, actor, wallet) == 195 + 5_500
    assert await events(coffer_with_bank, actor) == ["turned_on", "charging", "succeeded"]


async def test_the_spend_asks_in_its_own_commit(coffer_with_bank: Coffer, actor: Actor) -> None:
    """The job is there when the spend has returned: nobody has to look for wallets that are low."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    jobs = await list_jobs(coffer_with_bank, actor, None, Page(50, None))
    assert [job.payload["wallet"] for job in jobs if job.kind == "recharge.start" and job.state.name == "READY"] == [
        wallet.id
    ]


async def test_two_hundred_crossings_at_once_charge_once(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, database_url: str
) -> None:
    """However many jobs ask for a recharge of one wallet at the same moment, one charge is made."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    [job] = await claim(coffer_with_bank)
    at_once = asyncio.Semaphore(CONCURRENT_JOBS)

    async def cross() -> None:
        async with at_once:
            await HANDLERS["recharge.start"](coffer_with_bank, job.payload)

    await asyncio.gather(*(cross() for _ in range(CROSSINGS)))
    assert (bank.calls, len(bank.charged)) == (1, 1)
    assert await balance(coffer_with_bank, actor, wallet) == 195 + 5_500
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_worker_killed_after_the_charge_charges_once(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock, database_url: str
) -> None:
    """The answer is lost with its worker; another one asks under the same reference and grants what was paid."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    [job] = await claim(coffer_with_bank)
    bank.kills = True
    with pytest.raises(WorkerKilledError):
        await run_job(coffer_with_bank, HANDLERS, job)
    assert await states(coffer_with_bank, actor, wallet) == ["CHARGING"]
    bank.kills = False
    clock.move(2 * LEASE_SECONDS)
    await free_abandoned(coffer_with_bank)
    await drain(coffer_with_bank)
    assert (bank.calls, len(bank.charged)) == (2, 1)
    assert await states(coffer_with_bank, actor, wallet) == ["SUCCEEDED"]
    assert await balance(coffer_with_bank, actor, wallet) == 195 + 5_500
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_provider_that_is_down_is_asked_again_with_the_same_reference(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock
) -> None:
    """An outage delays the one attempt: it is no decline, and makes no second one."""
    wallet = await recharging(coffer_with_bank, actor)
    bank.is_down = True
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    clock.move(STUCK_SECONDS)
    await drain(coffer_with_bank)
    bank.is_down = False
    clock.move(STUCK_SECONDS)
    await drain(coffer_with_bank)
    assert await states(coffer_with_bank, actor, wallet) == ["SUCCEEDED"]
    assert len(bank.charged) == 1


async def test_a_charge_without_an_answer_is_not_repeated_for_ever(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock
) -> None:
    """After 20 hours of outage the attempt fails, before the provider forgets the reference of its charge."""
    wallet = await recharging(coffer_with_bank, actor)
    bank.is_down = True
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    clock.move(REPEAT_SECONDS + 1)
    calls = bank.calls
    await drain(coffer_with_bank)
    assert (await states(coffer_with_bank, actor, wallet), bank.calls) == (["FAILED"], calls)


async def test_a_decline_is_tried_again_later_each_time_and_then_no_more(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock
) -> None:
    """After 1, 6 and 24 hours another attempt is made; the fourth decline turns auto-recharge off and says so."""
    bank.verdicts = [S.FAILED] * 9
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    counts = []
    for seconds in (*RETRY_SECONDS, 99 * RETRY_SECONDS[-1]):
        clock.move(seconds - 60)
        await drain(coffer_with_bank)
        before = len(bank.charged)
        clock.move(120)
        await drain(coffer_with_bank)
        counts.append((before, len(bank.charged)))
    assert counts == [(1, 2), (2, 3), (3, 4), (4, 4)]
    view = await get(coffer_with_bank, actor, wallet.uuid)
    assert view
    assert (view.settings.enabled, view.settings.failures, view.wallet.auto_recharge_enabled) == (False, 4, False)
    assert view.settings.disabled_reason == "Turned off after 4 declines: declined"
    assert "turned_off" in await events(coffer_with_bank, actor)


async def test_a_success_starts_a_cool_off(coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock) -> None:
    """A second dip within the cool-off waits until its end, and is charged then by itself."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    await dip(coffer_with_bank, actor, wallet, credits=5_550)
    await drain(coffer_with_bank)
    assert len(bank.charged) == 1
    clock.move(TERMS.cool_off_seconds + 1)
    await drain(coffer_with_bank)
    assert len(bank.charged) == 2


async def test_the_monthly_limit_is_never_passed(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock
) -> None:
    """A recharge that would pass the limit is skipped and told once; the next month begins anew."""
    wallet = await recharging(coffer_with_bank, actor, replace(TERMS, monthly_limit_minor=60_200, cool_off_seconds=0))
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    for credits in (5_550, 1, 1):
        await dip(coffer_with_bank, actor, wallet, credits=credits)
        await drain(coffer_with_bank)
        await sweep_recharges(coffer_with_bank)
        await drain(coffer_with_bank)
    assert await states(coffer_with_bank, actor, wallet) == ["SUCCEEDED", "SKIPPED"]
    clock.move(32 * 24 * 3_600)
    await drain(coffer_with_bank)
    assert (await states(coffer_with_bank, actor, wallet))[-1] == "SUCCEEDED"


async def test_a_target_is_filled_up_to(coffer_with_bank: Coffer, actor: Actor, bank: Bank) -> None:
    """The smallest amount that reaches the target is charged."""
    terms = replace(TERMS, amount_minor=None, target_credits=3_000)
    wallet = await recharging(coffer_with_bank, actor, terms)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    assert [row.amount_minor for row in await history(coffer_with_bank, actor, wallet)] == [28_050]
    assert await balance(coffer_with_bank, actor, wallet) == 3_000


async def test_the_sweep_finds_what_was_missed(coffer_with_bank: Coffer, actor: Actor, bank: Bank) -> None:
    """A wallet that is low although its job is gone is recharged, once."""
    wallet = await recharging(coffer_with_bank, actor)
    await dip(coffer_with_bank, actor, wallet)
    await claim(coffer_with_bank)
    for _ in range(2):
        await sweep_recharges(coffer_with_bank)
        await drain(coffer_with_bank)
    assert len(bank.charged) == 1


async def test_a_debit_that_is_announced_is_followed_to_its_end(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank, clock: Clock
) -> None:
    """A mandate's charge is PENDING for a day, in which nothing else is charged, and then pays."""
    bank.verdicts = [S.PENDING]
    wallet = await recharging(coffer_with_bank, actor, kind=MethodKind.MANDATE)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    assert await states(coffer_with_bank, actor, wallet) == ["PENDING"]
    clock.move(25 * 3_600)
    await sweep_recharges(coffer_with_bank)
    await drain(coffer_with_bank)
    assert await states(coffer_with_bank, actor, wallet) == ["PENDING"]
    [reference] = bank.charged
    bank.charged[reference] = replace(bank.charged[reference], status=S.SUCCESS, payment_id="paid")
    clock.move(3_600)
    await drain(coffer_with_bank)
    assert await states(coffer_with_bank, actor, wallet) == ["SUCCEEDED"]


async def test_a_mandate_above_15000_rupees_waits_for_its_customer(
    coffer_with_bank: Coffer, actor: Actor, bank: Bank
) -> None:
    """The customer gets a page to approve it on, and nothing is charged without that."""
    terms = replace(TERMS, amount_minor=1_300_000, monthly_limit_minor=5_000_000)
    wallet = await recharging(coffer_with_bank, actor, terms, kind=MethodKind.MANDATE)
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    [row] = await history(coffer_with_bank, actor, wallet)
    assert (row.state.name, row.approval_url) == ("AWAITING_APPROVAL", "https://bank.example.test/pay")
    assert bank.calls == 0


async def test_a_method_in_use_can_not_be_removed(coffer_with_bank: Coffer, actor: Actor, bank: Bank) -> None:
    """RemoveSavedMethod is refused until auto-recharge is off; then a dip charges nothing."""
    wallet = await recharging(coffer_with_bank, actor)
    view = await get(coffer_with_bank, actor, wallet.uuid)
    assert view
    with pytest.raises(InvalidState, match="disableAutoRecharge"):
        await remove_method(coffer_with_bank, actor, view.method.uuid)
    await disable(coffer_with_bank, actor, wallet.uuid)
    assert (await remove_method(coffer_with_bank, actor, view.method.uuid)).status.name == "REMOVED"
    await dip(coffer_with_bank, actor, wallet)
    await drain(coffer_with_bank)
    assert bank.calls == 0
