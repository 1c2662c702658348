"""Payouts: credits are locked, money is sent once, and both end at the same place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db import events as event_queries
from db import money
from db.events import Message
from db.reconcile import reconcile
from domain.books import MoneyAccount as A
from domain.books import money_balances
from domain.errors import (
    AccessDenied,
    DomainError,
    IdempotencyConflict,
    InsufficientCredits,
    InvalidState,
)
from domain.jobs import LONGEST_RETRY_SECONDS, Queue
from domain.notifications import NotificationKind
from domain.pages import Page
from domain.payouts import PayoutStatus as S
from domain.payouts import next_status
from domain.permissions import Role
from gateways.base import EventKind
from services.holds import complete_payout, release_payout
from services.jobs import list_jobs, run_job
from services.notifications import set_preferences
from services.payouts import REVERSAL_WATCH_SECONDS, WATCH_SECONDS, PayoutMismatch, advance, request_payout
from services.requests import PayoutRequest
from tests.builders import owner_of, wallet_with
from tests.services.job_steps import claim
from tests.services.payout_steps import (
    Payer,
    WorkerKilledError,
    asked,
    beneficiary_of,
    figures,
    pay,
    states,
)
from tests.services.recharge_steps import HANDLERS, drain

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock


async def books(coffer: Coffer, actor: Actor) -> dict[str, int]:
    """The balances of the money books that payouts touch."""
    async with coffer.database.reading() as session:
        rows = money_balances(await money.flows(session, actor.project_id))
    return {row.account.name: row.balance_minor for row in rows if row.balance_minor}


async def test_a_payout_locks_its_credits_and_is_sent(
    paying: Coffer, payer: Payer, actor: Actor, database_url: str
) -> None:
    """400 credits are locked at once and leave when 40 rupees were sent; the books show the cost."""
    wallet, row = await asked(paying, actor)
    assert (await figures(paying, actor, wallet), row.amount_minor) == ((600, 400), 4_000)
    assert await books(paying, actor) == {"PAYOUTS": 4_000, "PAYOUTS_DUE": -4_000}
    payer.verdict = S.SUCCEEDED
    await drain(paying)
    assert (await figures(paying, actor, wallet), await states(paying, actor)) == ((600, 0), ["SUCCEEDED"])
    assert await books(paying, actor) == {"PAYOUTS": 4_000, A.GATEWAY_CLEARING.name: -4_000}
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_refused_payout_gives_its_credits_back(
    paying: Coffer, payer: Payer, actor: Actor, database_url: str
) -> None:
    """What the provider refuses costs nothing."""
    wallet, _ = await asked(paying, actor)
    payer.refuses = True
    await drain(paying)
    assert (await figures(paying, actor, wallet), await states(paying, actor)) == ((1_000, 0), ["FAILED"])
    assert await books(paying, actor) == {}
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_transfer_is_followed_without_any_message(
    paying: Coffer, payer: Payer, actor: Actor, clock: Clock
) -> None:
    """One that the provider has taken in is asked about a minute later, and until it is decided."""
    wallet, _ = await asked(paying, actor)
    await drain(paying)
    clock.move(WATCH_SECONDS)
    assert await drain(paying) == ["payout.follow retried"]
    payer.decide(S.FAILED)
    clock.move(LONGEST_RETRY_SECONDS)
    await drain(paying)
    assert (await figures(paying, actor, wallet), await states(paying, actor)) == ((1_000, 0), ["FAILED"])


async def test_money_that_comes_back_brings_its_credits(
    paying: Coffer, payer: Payer, actor: Actor, clock: Clock, database_url: str
) -> None:
    """A day after it was sent, the bank sends it back: Coffer finds out by itself, and gives the credits back once."""
    payer.verdict = S.SUCCEEDED
    wallet, _ = await asked(paying, actor)
    await drain(paying)
    payer.decide(S.REVERSED)
    for seconds in REVERSAL_WATCH_SECONDS:
        clock.move(seconds)
        await drain(paying)
    assert (await figures(paying, actor, wallet), await states(paying, actor)) == ((1_000, 0), ["REVERSED"])
    assert await books(paying, actor) == {}
    assert (await reconcile(database_url))["violations"] == 0


async def test_money_that_comes_back_before_it_was_told_of(
    paying: Coffer, payer: Payer, actor: Actor, database_url: str
) -> None:
    """A transfer that is reversed when it is first asked about frees its credits, which never left."""
    payer.verdict = S.REVERSED
    wallet, _ = await asked(paying, actor)
    await drain(paying)
    assert (await figures(paying, actor, wallet), await states(paying, actor)) == ((1_000, 0), ["REVERSED"])
    assert await books(paying, actor) == {}
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_worker_killed_after_the_call_sends_nothing_twice(
    paying: Coffer, payer: Payer, actor: Actor, clock: Clock
) -> None:
    """The next attempt uses the same reference, so there is one transfer."""
    await asked(paying, actor)
    payer.kills = True
    [job] = await claim(paying)
    with pytest.raises(WorkerKilledError):
        await run_job(paying, HANDLERS, job)
    payer.kills, payer.verdict = False, S.SUCCEEDED
    payer.decide(S.SUCCEEDED)
    await run_job(paying, HANDLERS, job)
    assert (await states(paying, actor), len(payer.sent)) == (["SUCCEEDED"], 1)


async def test_a_provider_that_is_away_is_asked_again(paying: Coffer, payer: Payer, actor: Actor, clock: Clock) -> None:
    """The credits stay locked until there is an answer."""
    wallet, _ = await asked(paying, actor)
    payer.is_down = True
    assert await drain(paying) == ["payout.follow retried"]
    assert await figures(paying, actor, wallet) == (600, 400)
    payer.is_down, payer.verdict = False, S.SUCCEEDED
    clock.move(LONGEST_RETRY_SECONDS)
    await drain(paying)
    assert await states(paying, actor) == ["SUCCEEDED"]


async def test_one_key_is_one_payout(paying: Coffer, actor: Actor) -> None:
    """Twenty requests at once under one key lock the credits once; other terms under it are a conflict."""
    wallet = await wallet_with(paying, actor, 1_000)
    rows = await asyncio.gather(*(pay(paying, actor, wallet, 100, "k") for _ in range(20)))
    assert (len({row.uuid for row in rows}), await figures(paying, actor, wallet)) == (1, (900, 100))
    with pytest.raises(IdempotencyConflict):
        await pay(paying, actor, wallet, 101, "k")


async def test_no_more_is_paid_out_than_there_is(paying: Coffer, payer: Payer, actor: Actor, database_url: str) -> None:
    """Of twenty payouts of 100 credits at once, a wallet of 1,000 credits can pay ten."""
    wallet = await wallet_with(paying, actor, 1_000)
    await beneficiary_of(paying, actor, wallet)

    async def one() -> bool:
        try:
            await pay(paying, actor, wallet, 100)
        except InsufficientCredits:
            return False
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 10
    payer.verdict = S.SUCCEEDED
    await drain(paying)
    assert await figures(paying, actor, wallet) == (0, 0)
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_success_told_many_times_at_once_is_paid_once(paying: Coffer, payer: Payer, actor: Actor) -> None:
    """Ten messages about one transfer take its credits once."""
    wallet, row = await asked(paying, actor)
    await drain(paying)
    payer.decide(S.SUCCEEDED)
    told = payer.sent[row.uuid.hex]

    async def tell() -> str:
        async with paying.database.transaction() as session:
            return await advance(paying, session, row.uuid, told)

    words = await asyncio.gather(*(tell() for _ in range(10)))
    assert sorted(words) == ["known"] * 9 + ["payout succeeded"]
    assert await figures(paying, actor, wallet) == (600, 0)


@pytest.mark.parametrize(
    ("now", "told", "expected"),
    [
        (S.REQUESTED, S.PENDING, S.PENDING),
        (S.REQUESTED, S.SUCCEEDED, S.SUCCEEDED),
        (S.PENDING, S.PENDING, None),
        (S.PENDING, S.REVERSED, S.REVERSED),
        (S.SUCCEEDED, S.PENDING, None),
        (S.SUCCEEDED, S.FAILED, S.REVERSED),
        (S.FAILED, S.REVERSED, None),
        (S.REVERSED, S.FAILED, None),
    ],
)
def test_states_follow_the_provider(now: S, told: S, expected: S | None) -> None:
    """Older news change nothing, and what comes back after it was sent is reversed."""
    assert next_status(now, told) is expected


async def test_a_contradiction_is_for_somebody_to_look_at(paying: Coffer, payer: Payer, actor: Actor) -> None:
    """Another amount, or a success after a failure whose credits are back, is no silent change."""
    _, row = await asked(paying, actor)
    await drain(paying)
    told = payer.sent[row.uuid.hex]
    async with paying.database.transaction() as session:
        with pytest.raises(PayoutMismatch):
            await advance(paying, session, row.uuid, replace(told, amount_minor=1))
        await advance(paying, session, row.uuid, replace(told, status=S.FAILED))
        with pytest.raises(PayoutMismatch):
            await advance(paying, session, row.uuid, replace(told, status=S.SUCCEEDED))


async def test_nobody_closes_by_hand_what_a_provider_sends(paying: Coffer, actor: Actor) -> None:
    """Releasing it would pay twice, completing it would lose what fails."""
    _, row = await asked(paying, actor)
    for act in (release_payout, complete_payout):
        with pytest.raises(InvalidState, match="payoutTransfers"):
            await act(paying, actor, row.hold_uuid, act.__name__)


async def test_a_message_of_a_transfer_is_acted_on(paying: Coffer, payer: Payer, actor: Actor) -> None:
    """The message is a hint, the provider's own word decides; a transfer made elsewhere is not ours."""
    wallet, row = await asked(paying, actor)
    await drain(paying)
    payer.decide(S.SUCCEEDED)
    job = (Queue.WEBHOOK_PROCESSING.value, "gateway.event")
    ids = (row.uuid.hex, "elsewhere")
    messages = [Message("payer", f"e-{about}", "T", EventKind.PAYOUT.value, about, b"{}") for about in ids]
    async with paying.database.transaction() as session:
        await event_queries.store(session, messages, job, paying.clock())
    await drain(paying)
    async with paying.database.reading() as session:
        events = [await event_queries.get(session, event_id) for event_id in (1, 2)]
        [mine] = await event_queries.newest(session, actor.project_id, None, None, Page(5, None))
    verdicts = {event.order_id: event.verdict for event in events if event}
    assert verdicts == {row.uuid.hex: "payout succeeded", "elsewhere": "not ours"}
    assert (mine.order_id, await figures(paying, actor, wallet)) == (row.uuid.hex, (600, 0))


async def test_the_owner_is_told_of_the_outcome(paying: Coffer, payer: Payer, actor: Actor) -> None:
    """Whoever wants e-mails of payouts gets one when the money is sent and one when it comes back."""
    wallet = await wallet_with(paying, actor, 1_000)
    await set_preferences(paying, actor, wallet.uuid, "asha@example.com", [NotificationKind.PAYOUT])
    row = await pay(paying, actor, wallet, 400)
    payer.verdict = S.SUCCEEDED
    [job] = await claim(paying)
    await run_job(paying, HANDLERS, job)
    async with paying.database.transaction() as session:
        await advance(paying, session, row.uuid, replace(payer.sent[row.uuid.hex], status=S.REVERSED))
    jobs = await list_jobs(paying, actor, None, Page(50, None))
    assert [job.kind for job in jobs].count("notification.send") == 2


@pytest.mark.parametrize("credits", [0, 9, 100_000_001])
async def test_an_amount_that_no_bank_takes_is_refused(paying: Coffer, actor: Actor, credits: int) -> None:
    """Below a rupee and above the limit nothing is locked."""
    with pytest.raises(DomainError):
        await request_payout(paying, actor, PayoutRequest(None, None, credits, "r", "k"))


async def test_a_member_pays_nothing_out(paying: Coffer) -> None:
    """Payouts are for owners and admins."""
    member = await owner_of(paying, role=Role.MEMBER)
    with pytest.raises(AccessDenied):
        await request_payout(paying, member, PayoutRequest(None, None, 100, "r", "k"))
