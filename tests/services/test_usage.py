"""Usage is folded without a change, pushed, and read in few queries."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import event

from db import folds
from db.reconcile import PROMISES
from domain.analytics import GroupBy
from domain.errors import InvalidInput, NotFound
from live.figures import Figures
from services import usage_figures
from services.holds import capture_hold, hold
from services.requests import CaptureRequest, HoldRequest
from services.spending import consume_batch
from services.usage import UsageQuestion, fold_usage, make_clocks, usage_report
from services.usage_feed import watch_usage
from tests.builders import free_port, owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


async def spend_some(coffer: Coffer, actor: Actor, count: int) -> Any:  # noqa: ANN401 - a wallet
    """A wallet with spends of two features, and a capture."""
    wallet = await wallet_with(coffer, actor, 10_000)
    features = ["API_BASIC_REQUEST", "API_EXPORT_DATA"]
    spends = [spend_of(wallet.uuid, features[n % 2], member="ana") for n in range(count)]
    await consume_batch(coffer, actor, spends)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 50, seconds=60))).hold
    await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 30, final=True))
    return wallet


async def test_a_fold_changes_no_figure(coffer: Coffer) -> None:
    """By API key and wallet of a whole project, the engine's own rows give the same before and after the fold."""
    actor = await owner_of(coffer)
    await spend_some(coffer, actor, 600)
    asked = UsageQuestion(None, [GroupBy.API_KEY, GroupBy.WALLET], compare=True)
    before = await usage_report(coffer, actor, asked)
    await fold_usage(coffer)
    assert (await usage_report(coffer, actor, asked), before.events) == (before, 601)


async def test_a_fold_keeps_its_promises(coffer: Coffer) -> None:
    """Reconcile finds the folded usage equal to the ledger, and its sums equal to it."""
    await spend_some(coffer, await owner_of(coffer), 600)
    await fold_usage(coffer)
    connection = await asyncpg.connect(coffer.database.url)
    promises = [query for promise, query in PROMISES.items() if "usage" in promise]
    assert [await connection.fetch(query) for query in promises] == [[] for _ in promises]
    await connection.close()


async def test_days_of_a_zone_are_made_once_it_is_asked_for(coffer: Coffer) -> None:
    """A report by days of New York is the same before and after, keeps reconcile's promises, and needs no quarters."""
    actor = await owner_of(coffer)
    await spend_some(coffer, actor, 600)
    await fold_usage(coffer)
    asked = UsageQuestion(None, [GroupBy.FEATURE, GroupBy.DAY], time_zone="America/New_York")
    before = await usage_report(coffer, actor, asked)
    await make_clocks(coffer)
    connection = await asyncpg.connect(coffer.database.url)
    assert await connection.fetchval("select count(*) from usage_clock where made_until = 'infinity'") >= 1
    promises = [query for promise, query in PROMISES.items() if "usage" in promise]
    assert [await connection.fetch(query) for query in promises] == [[] for _ in promises]
    # Other figures than those of the ledger: only days that were made can show them.
    await connection.execute("delete from project_usage_slot where grain = 1")
    await connection.close()
    forgetful = replace(coffer, figures=Figures(f"redis://127.0.0.1:{free_port()}"))
    assert (await usage_report(forgetful, actor, asked), before.events) == (before, 601)


async def test_a_project_has_a_limited_number_of_clocks(coffer: Coffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a question is answered and no clock is added."""
    monkeypatch.setattr(folds, "MOST_CLOCKS", 1)
    actor = await owner_of(coffer)
    for zone in ("Asia/Tokyo", "Asia/Kathmandu"):
        await usage_report(coffer, actor, UsageQuestion(None, [GroupBy.DAY], time_zone=zone))
    async with coffer.database.reading() as session:
        assert [row.utc_offset for row in await folds.unmade(session)] == [540]


async def test_the_running_day_is_pushed(coffer: Coffer) -> None:
    """A watcher gets the day so far, and after spends the day with them."""
    actor = await owner_of(coffer)
    wallet = await spend_some(coffer, actor, 2)
    stream: Any = watch_usage(coffer, actor, wallet.uuid, None)
    before = (await anext(stream)).events
    await consume_batch(coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST")])
    async with asyncio.timeout(10):
        assert (await anext(stream)).events == before + 1
    await stream.aclose()


async def test_a_new_day_is_pushed_when_it_begins(coffer: Coffer) -> None:
    """A watcher gets the next day of its zone, empty, without anything having been spent."""
    actor = await owner_of(coffer)
    wallet = await spend_some(coffer, actor, 2)
    tomorrow = datetime.combine(coffer.clock().date() + timedelta(days=1), time(), UTC)
    ahead = tomorrow - coffer.clock() - timedelta(seconds=0.3)
    stream: Any = watch_usage(replace(coffer, clock=lambda: coffer.clock() + ahead), actor, wallet.uuid, "UTC")
    days = [await anext(stream)]
    async with asyncio.timeout(10):
        days.append(await anext(stream))
    await stream.aclose()
    assert [(day.from_day, day.events) for day in days] == [
        (tomorrow.date() - timedelta(days=1), 3),
        (tomorrow.date(), 0),
    ]


async def test_a_crowd_of_watchers_leaves_connections_to_others(coffer: Coffer) -> None:
    """Feeds that begin together read one after the other where there is one place, and each has its day."""
    actor = await owner_of(coffer)
    wallet = await spend_some(coffer, actor, 2)
    taken = most = 0

    def count(change: int) -> None:
        nonlocal taken, most
        taken += change
        most = max(most, taken)

    pool = coffer.database._engine.sync_engine.pool  # noqa: SLF001 - to count connections in use
    event.listen(pool, "checkout", lambda *_: count(1))
    event.listen(pool, "checkin", lambda *_: count(-1))
    alone = replace(coffer, feeds=asyncio.Semaphore(1))
    streams: list[Any] = [watch_usage(alone, actor, wallet.uuid, None) for _ in range(20)]
    days = await asyncio.gather(*map(anext, streams))
    for stream in streams:
        await stream.aclose()
    assert (most, {day.events for day in days}) == (1, {3})


@pytest.mark.parametrize("wallets", [1, 5])
async def test_queries_do_not_grow_with_the_wallets(coffer: Coffer, wallets: int) -> None:
    """A report by wallet and feature with the period before takes four queries for any number of wallets."""
    actor = await owner_of(coffer)
    named = [(await spend_some(coffer, actor, 4)).uuid for _ in range(wallets)]
    statements: list[str] = []
    engine = coffer.database._engine.sync_engine  # noqa: SLF001 - to count what is sent
    event.listen(engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    await usage_report(coffer, actor, UsageQuestion(named, [GroupBy.WALLET, GroupBy.FEATURE], compare=True))
    assert len(statements) == 4


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"time_zone": "Mars/Olympus"}, InvalidInput),
        ({"group_by": [GroupBy.DAY, GroupBy.DAY]}, InvalidInput),
        ({"wallets": []}, InvalidInput),
        ({"wallets": [uuid4()]}, NotFound),
        ({"from_day": date(2026, 1, 2), "to_day": date(2026, 1, 1)}, InvalidInput),
    ],
)
async def test_a_question_that_has_no_answer_is_refused(
    coffer: Coffer, changes: dict[str, Any], error: type[Exception]
) -> None:
    """Unknown zones and wallets, doubled keys, an empty list and a range that ends before it begins are refused."""
    with pytest.raises(error):
        await usage_report(coffer, await owner_of(coffer), UsageQuestion(**changes))


async def test_a_report_of_too_many_slices_is_refused(coffer: Coffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the caller is told to ask for less, rather than sent an endless list."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await consume_batch(coffer, actor, [spend_of(wallet.uuid), spend_of(wallet.uuid, "API_BASIC_REQUEST")])
    monkeypatch.setattr(usage_figures, "MAX_SLICES", 1)
    with pytest.raises(InvalidInput):
        await usage_report(coffer, actor, UsageQuestion(group_by=[GroupBy.FEATURE]))
