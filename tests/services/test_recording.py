"""Recorded usage: booked once, on its own time, beside the ledger and in one commit with its charge."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from db.reconcile import PROMISES
from domain.analytics import GroupBy
from domain.errors import (
    DomainError,
    IdempotencyConflict,
    InsufficientCredits,
    InvalidInput,
    UsageOutsideWindow,
)
from domain.limits import MAX_BATCH_ITEMS
from domain.metrics import CLOCK_SKEW_SECONDS, LATE_DAYS
from domain.pages import Page
from services.grants import grant_credits
from services.recording import charge_batch, charge_usage, list_events, record_batch, record_usage
from services.requests import GrantRequest
from services.spending import consume
from services.usage import UsageQuestion, usage_report
from services.usage_feed import watch_usage
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with
from tests.metered import by_metric, measured, usage_of

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.recording import Recorded
    from tests.services.job_steps import Clock


async def broken_promises(coffer: Coffer) -> list[str]:
    """The promises about recorded usage that reconcile finds broken."""
    connection = await asyncpg.connect(coffer.database.url)
    found = [name for name, query in PROMISES.items() if "recorded" in name and await connection.fetch(query)]
    await connection.close()
    return found


async def test_recorded_units_cost_nothing(coffer: Coffer, actor: Actor) -> None:
    """An event is in the report at once, and the wallet stays as it was."""
    wallet = await measured(coffer, actor)
    done = await record_usage(coffer, actor, usage_of(wallet, units=7, member="ana", metadata={"a": 1}))
    row = await get_wallet(coffer, actor, wallet)
    assert (done.replayed, done.event.credits, row and row.available_credits) == (False, None, 1_000)
    assert await by_metric(coffer, actor, wallet) == {"VISITS": (0, 1, 7)}


async def test_a_charge_and_its_usage_are_one(coffer: Coffer, actor: Actor) -> None:
    """A charge spends the feature's price for each unit, and both reports tell of it."""
    wallet = await measured(coffer, actor)
    done = await charge_usage(coffer, actor, usage_of(wallet, "TOKENS", 3, member="ana"))
    assert (done.event.credits, done.transaction.credits, done.wallet.available_credits) == (45, -45, 955)
    assert (done.transaction.feature, done.transaction.units) == ("AI_SUMMARY", 3)
    assert await by_metric(coffer, actor, wallet) == {"TOKENS": (45, 1, 3)}
    assert (await usage_report(coffer, actor, UsageQuestion([wallet], metrics=True))).metrics[0].credits == 45


async def test_a_refused_charge_leaves_nothing(coffer: Coffer, actor: Actor) -> None:
    """Without the credits neither the ledger nor the usage has a row; after a top-up the same key succeeds."""
    wallet = await measured(coffer, actor, 10)
    request = usage_of(wallet, "TOKENS")
    with pytest.raises(InsufficientCredits):
        await charge_usage(coffer, actor, request)
    assert await by_metric(coffer, actor, wallet) == {}
    await grant_credits(coffer, actor, GrantRequest(wallet, 5, "more", "g"))
    assert (await charge_usage(coffer, actor, request)).wallet.available_credits == 0


@pytest.mark.parametrize("act", [record_usage, charge_usage])
async def test_a_key_is_remembered_for_ever(coffer: Coffer, actor: Actor, act: Any) -> None:  # noqa: ANN401
    """The same request is a replay with the first times; another one is a conflict."""
    wallet = await measured(coffer, actor)
    at = datetime.now(UTC) - timedelta(days=3)
    request = usage_of(wallet, "TOKENS", 2, occurred_at=at, member="ana", metadata={"n": [1]})
    first = await act(coffer, actor, request)
    again = await act(coffer, actor, request)
    assert (again.replayed, again.event.values) == (True, first.event.values)
    others: list[dict[str, Any]] = [
        {"units": 3},
        {"member": None},
        {"metadata": None},
        {"occurred_at": None},
        {"metric": "VISITS"},
    ]
    for change in others:
        with pytest.raises(IdempotencyConflict):
            await act(coffer, actor, replace(request, **change))
    assert (await by_metric(coffer, actor, wallet))["TOKENS"][1:] == (1, 2)


async def test_a_replay_is_never_too_late(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """What was recorded in time is a replay long after; what is new then is refused with the window."""
    wallet = await measured(timed, actor)
    request = usage_of(wallet, occurred_at=timed.clock())
    await record_usage(timed, actor, request)
    clock.move(timedelta(days=LATE_DAYS + 1).total_seconds())
    assert (await record_usage(timed, actor, request)).replayed
    with pytest.raises(UsageOutsideWindow) as refused:
        await record_usage(timed, actor, usage_of(wallet, occurred_at=request.occurred_at))
    assert refused.value.latest - refused.value.earliest == timedelta(days=LATE_DAYS, seconds=CLOCK_SKEW_SECONDS)


@pytest.mark.parametrize("act", [record_batch, charge_batch])
async def test_the_window_ends_where_it_says(coffer: Coffer, actor: Actor, act: Any) -> None:  # noqa: ANN401
    """Late days and the skew of clocks are taken to the microsecond, and not one more."""
    wallet = await measured(coffer, actor)
    now, step = datetime.now(UTC), timedelta(microseconds=1)
    first, last = now - timedelta(days=LATE_DAYS), now + timedelta(seconds=CLOCK_SKEW_SECONDS)
    batch = [usage_of(wallet, "TOKENS", occurred_at=at) for at in (first - step, first, last, last + step)]
    results = await act(replace(coffer, clock=lambda: now), actor, batch)
    assert [isinstance(result, UsageOutsideWindow) for result in results] == [True, False, False, True]


async def test_each_act_of_one_key_keeps_to_itself(coffer: Coffer, actor: Actor) -> None:
    """A key of a spend can't charge usage, one of a recorded event neither, and nothing is written on the way."""
    wallet = await measured(coffer, actor)
    await consume(coffer, actor, spend_of(wallet, "AI_SUMMARY", "k"))
    await record_usage(coffer, actor, usage_of(wallet, "TOKENS", key="r"))
    for key in ("k", "r"):
        with pytest.raises(IdempotencyConflict):
            await charge_usage(coffer, actor, usage_of(wallet, "TOKENS", key=key))
    await charge_usage(coffer, actor, usage_of(wallet, "TOKENS", key="c"))
    with pytest.raises(IdempotencyConflict):
        await record_usage(coffer, actor, usage_of(wallet, "TOKENS", key="c"))
    assert (await get_wallet(coffer, actor, wallet)).available_credits == 970  # type: ignore[union-attr]


def outcome(result: Recorded | DomainError) -> str:
    """What became of one item, in a word."""
    if isinstance(result, DomainError):
        return str(result.code)
    return "REPLAYED" if result.replayed else "DONE"


@pytest.mark.parametrize("act", [record_batch, charge_batch])
async def test_each_item_of_a_batch_has_its_own_answer(coffer: Coffer, actor: Actor, act: Any) -> None:  # noqa: ANN401
    """Good items are booked, in one commit with the others' refusals; a key that repeats inside counts once."""
    wallet = await measured(coffer, actor)
    first = usage_of(wallet, "TOKENS", 2, key="a")
    stranger = (await wallet_with(coffer, await owner_of(coffer, "another"), 100)).uuid
    batch = [
        first,
        first,
        usage_of(wallet, "TOKENS", 3, key="a"),
        usage_of(wallet, "NOTHING"),
        usage_of(stranger, "TOKENS"),
        usage_of(None, "TOKENS"),
        usage_of(wallet, "TOKENS", 10**13),
        usage_of(wallet, "TOKENS", key="k" * 256),
        usage_of(wallet, "TOKENS", occurred_at=datetime(2020, 1, 1, tzinfo=UTC)),
        usage_of(wallet, "TOKENS", 5),
    ]
    answers = [outcome(result) for result in await act(coffer, actor, batch)]
    none, bad = "NOT_FOUND", "INVALID_INPUT"
    late, conflict = "USAGE_OUTSIDE_WINDOW", "IDEMPOTENCY_CONFLICT"
    assert answers == ["DONE", "REPLAYED", conflict, none, none, none, bad, bad, late, "DONE"]
    assert (await by_metric(coffer, actor, wallet))["TOKENS"][1:] == (2, 7)


async def test_a_batch_has_a_limit(coffer: Coffer, actor: Actor) -> None:
    """None, or more than 1,000, are refused as a whole."""
    for size in (0, MAX_BATCH_ITEMS + 1):
        with pytest.raises(InvalidInput):
            await record_batch(coffer, actor, [usage_of(None)] * size)


async def test_one_key_in_many_requests_at_once_counts_once(coffer: Coffer, actor: Actor) -> None:
    """Records, batches and charges with the same keys, all at once, book and charge each key once."""
    wallet = await measured(coffer, actor, 100_000)
    keys = [f"k{n}" for n in range(20)]
    batch = [usage_of(wallet, "TOKENS", key=key) for key in keys]
    single = [record_usage(coffer, actor, request) for request in batch for _ in range(3)]
    many = [record_batch(coffer, actor, order) for order in (batch, batch[::-1])]
    charges = [charge_batch(coffer, actor, order) for order in (batch, batch[::-1])]
    answers = await asyncio.gather(*single, *many, *charges, return_exceptions=True)
    assert all(not isinstance(answer, BaseException) or isinstance(answer, IdempotencyConflict) for answer in answers)
    credits, events, units = (await by_metric(coffer, actor, wallet))["TOKENS"]
    spent = 100_000 - (await get_wallet(coffer, actor, wallet)).available_credits  # type: ignore[union-attr]
    assert (events, units, credits) == (20, 20, spent)
    assert await broken_promises(coffer) == []


async def test_crossing_batches_do_not_wait_for_each_other(coffer: Coffer, actor: Actor) -> None:
    """Batches over the same wallets, metrics and members in opposite orders are all booked."""
    wallets = [await measured(coffer, actor) for _ in range(4)]
    batch = [
        usage_of(wallet, metric, member=member)
        for wallet in wallets
        for metric in ("TOKENS", "VISITS")
        for member in "abc"
    ]
    orders = [[usage_of(r.wallet, r.metric, member=r.member) for r in order] for order in (batch, batch[::-1]) * 6]
    results = await asyncio.gather(*(record_batch(coffer, actor, order) for order in orders))
    assert {outcome(result) for answers in results for result in answers} == {"DONE"}
    assert await broken_promises(coffer) == []


async def test_late_charges_stand_on_two_days(coffer: Coffer, actor: Actor) -> None:
    """The credits are those of today by feature, and those of the day of the use by metric."""
    wallet = await measured(coffer, actor)
    now = datetime.now(UTC)
    day, today = (now - timedelta(days=10)).date(), now.date()
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    await charge_usage(coffer, actor, usage_of(wallet, "TOKENS", 2, occurred_at=at))
    days = {"from_day": day, "to_day": today, "time_zone": "UTC"}
    ledger = await usage_report(coffer, actor, UsageQuestion([wallet], (GroupBy.DAY,), **days))  # type: ignore[arg-type]
    used = await usage_report(coffer, actor, UsageQuestion([wallet], (GroupBy.METRIC, GroupBy.DAY), **days))  # type: ignore[arg-type]
    assert [(row.keys, row.credits) for row in ledger.slices] == [((today.isoformat(),), 30)]
    assert [(row.keys, row.credits, row.units) for row in used.slices] == [(("TOKENS", day.isoformat()), 30, 2)]


async def test_recorded_usage_is_pushed(coffer: Coffer, actor: Actor) -> None:
    """A watcher of the running day gets an event that moved no credits."""
    wallet = await measured(coffer, actor)
    stream: Any = watch_usage(coffer, actor, wallet, None)
    assert (await anext(stream)).metrics == []
    await record_usage(coffer, actor, usage_of(wallet, units=4))
    async with asyncio.timeout(10):
        assert [(row.key, row.units) for row in (await anext(stream)).metrics] == [("VISITS", 4)]
    await stream.aclose()


async def test_events_are_listed_newest_first(coffer: Coffer, actor: Actor) -> None:
    """Pages of a wallet's events follow each other, and one metric can be asked for."""
    wallet = await measured(coffer, actor)
    keys = [f"{n}" for n in range(5)]
    await record_batch(
        coffer, actor, [usage_of(wallet, "VISITS" if int(key) % 2 else "TOKENS", key=key) for key in keys]
    )
    rows = await list_events(coffer, actor, wallet, None, Page(3, None))
    rest = await list_events(coffer, actor, wallet, None, Page(3, rows[2].id))
    visits = await list_events(coffer, actor, wallet, "VISITS", Page(3, None))
    assert [row.idempotency_key for row in [*rows[:3], *rest]] == keys[::-1]
    assert [row.idempotency_key for row in visits] == ["3", "1"]


async def test_events_of_a_key_that_can_not_be(coffer: Coffer) -> None:
    """A metric's key that can't be stored is refused, as one that names none is no fault."""
    actor = await owner_of(coffer)
    wallet = await measured(coffer, actor)
    with pytest.raises(InvalidInput):
        await list_events(coffer, actor, wallet, "\0", Page(3, None))
