"""Recorded usage of a whole project is summed beside its events, holds nobody up, and loses nothing."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from sqlalchemy import event as listening

from db.folds import RECORDED, fold, make_clock
from domain.analytics import GroupBy
from domain.errors import Busy
from services import usage, usage_figures
from services.metrics import define_metric
from services.recording import charge_batch, record_batch
from services.usage import UsageQuestion, fold_recorded, usage_report
from tests.builders import owner_of, wallet_with
from tests.metered import measured, usage_of
from tests.services.planting import unnoticed
from tests.services.test_recorded_usage import BY, METRICS, NOW, Event, Measured, broken, shown, write
from tests.services.test_usage_sums import make_days

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer

RECORDERS = 20
EVENTS, BATCH = 12, 3
"""Events of each recorder, and of each of its calls."""

ASKED = ("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe")
SUMS = "the recorded usage of a project is that of its wallets"
GAUGES = "the gauges equal the sums of recorded usage"
PLANTED = {
    "update project_metric_slot set units = units + 1 where grain = 3": SUMS,
    "update project_metric_slot set credits = credits + 1 where grain = 4": SUMS,
    "update project_metric_slot set last_activity_at = now() where grain = 2": SUMS,
    "delete from project_metric_slot where grain = 1": SUMS,
    "delete from metric_change": SUMS,
    "update metric_change set events = events + 1 where grain = 1": SUMS,
    "delete from project_metric_slot where view = 2": SUMS,
    "update project_metric_slot set events = events + 1 where view = 4": SUMS,
    "insert into project_metric_slot select project_id, view, utc_offset, grain, '2001-01-01Z', metric_id, member,"
    " api_key_id, 1, 1, 1, now()"
    " from project_metric_slot": SUMS,
    "update gauge_slot set units = units + 1": GAUGES,
    "delete from gauge_slot where grain = 4": GAUGES,
    "update gauge_slot set member = 'eve'": GAUGES,
}


async def recorded(coffer: Coffer, actor: Actor) -> None:
    """Some units of each kind of metric, half of them folded."""
    wallet = await wallet_with(coffer, actor, 0)
    for number, metric in enumerate(METRICS.values()):
        await define_metric(coffer, actor, metric)
        await record_batch(coffer, actor, [usage_of(wallet.uuid, metric.key, 5 + number, member="ana")])
        async with coffer.database.transaction() as session:
            await fold(session, RECORDED, actor.project_id, 2)


async def waiting(coffer: Coffer) -> int:
    """Changes that are not folded."""
    connection = await asyncpg.connect(coffer.database.url)
    found = await connection.fetchval("select count(*) from metric_change")
    await connection.close()
    return int(found)


@pytest.fixture
async def actor(coffer: Coffer) -> Actor:
    """An owner."""
    return await owner_of(coffer)


async def test_every_question_about_many_events(coffer: Coffer) -> None:
    """By any key, in zones whose days are there, made beside the events or not, figures are those of a scan."""
    chance = random.Random(7)
    events = [
        Event(
            NOW - timedelta(minutes=15 * chance.randrange(100 * 96), seconds=chance.choice([0, 0, 1, 899])),
            chance.randrange(-20, 80),
            chance.choice(sorted(METRICS)),
            chance.randrange(2),
            chance.choice(["ana", None]),
            chance.choice([0, 0, 0, 1]),
        )
        for _ in range(400)
    ]
    books = await write(coffer, events, ZoneInfo("America/New_York"), 1, [0, 3, 10_000, 40, 10_000, 90, 700, 0])
    async with coffer.database.transaction() as session:
        for offset in (-300, -240):
            while await make_clock(session, books.actor.project_id, offset, 10_000):
                pass
    assert await broken(coffer) == []
    for zone, by, back, length in product(ASKED, BY, (101, 64), (30, 101)):
        local, start = ZoneInfo(zone), (NOW - timedelta(days=back)).date()
        end, groups = start + timedelta(days=length), [GroupBy.METRIC, by]
        inside = [event for event in events if start <= event.at.astimezone(local).date() <= end]
        asked = UsageQuestion(None, groups, start, end, zone, metrics=True)
        report = await usage_report(coffer, books.actor, asked)
        assert shown(report.slices) == books.summed(inside, groups, local)
        assert {row.key: row.units for row in report.metrics} == {
            key: sums[2] for (key,), sums in books.summed(inside, [GroupBy.METRIC], local).items()
        }


async def test_nothing_is_lost_or_doubled_beside_folds(coffer: Coffer, actor: Actor) -> None:
    """Twenty recorders of the same metrics, with folds and a clock's days beside them, end in the sums of a scan."""
    wallets = [await wallet_with(coffer, actor, 0) for _ in range(2)]
    for metric in METRICS.values():
        await define_metric(coffer, actor, metric)
    then, done = replace(coffer, clock=lambda: NOW), asyncio.Event()
    keys = sorted(METRICS)
    events = [
        # No two times are alike, as among those that come together none is the last.
        Event(NOW - timedelta(minutes=n * 11), n * 7 % 50 - 20, keys[n % 3], n % 2, ["ana", None][n // 3 % 2], 0)
        for n in range(RECORDERS * EVENTS)
    ]

    async def record(own: list[Event]) -> None:
        requests = [
            usage_of(wallets[one.wallet].uuid, one.metric, one.units, member=one.member, occurred_at=one.at)
            for one in own
        ]
        for first in range(0, EVENTS, BATCH):
            await record_batch(then, actor, requests[first : first + BATCH])

    async def folds() -> None:
        while not done.is_set():
            async with coffer.database.transaction() as session:
                await fold(session, RECORDED, actor.project_id, 7)

    folding = asyncio.create_task(folds())
    recording = asyncio.gather(*(record(events[n::RECORDERS]) for n in range(RECORDERS)))
    await make_days(coffer, actor, ZoneInfo("America/New_York"), 20)
    await recording
    done.set()
    await folding
    assert await broken(coffer) == []
    utc, groups = ZoneInfo("UTC"), [GroupBy.METRIC, GroupBy.DAY]
    asked = UsageQuestion(None, groups, NOW.date() - timedelta(days=90), NOW.date(), "UTC")
    found = shown((await usage_report(coffer, actor, asked)).slices)
    assert found == Measured(actor, wallets, [""], events).summed(events, groups, utc)


async def test_a_fold_that_is_killed_loses_nothing(coffer: Coffer, actor: Actor) -> None:
    """What waited before a fold whose connection ends waits again, and is folded once."""
    await recorded(coffer, actor)
    before = await waiting(coffer)
    killed = await asyncpg.connect(coffer.database.url)
    await killed.execute("begin")
    assert await killed.fetchval("select ledger.fold_recorded($1, 1000)", actor.project_id) == before
    killed.terminate()
    asked = UsageQuestion(None, [GroupBy.METRIC, GroupBy.MONTH])
    figures = await usage_report(coffer, actor, asked)
    async with coffer.database.transaction() as session:
        assert await fold(session, RECORDED, actor.project_id, 1_000) == before
    assert await usage_report(coffer, actor, asked) == figures
    assert await broken(coffer) == []


async def test_nobody_waits_for_a_fold(coffer: Coffer, actor: Actor) -> None:
    """While a fold is open, events are recorded and charged and the project's figures have them."""
    wallet = await measured(coffer, actor)
    for metric in METRICS.values():
        await define_metric(coffer, actor, metric)
    await recorded(coffer, actor)
    events = [usage_of(wallet, metric) for metric in METRICS]
    async with coffer.database.transaction() as session, asyncio.timeout(10):
        await fold(session, RECORDED, actor.project_id, 1_000)
        await record_batch(coffer, actor, events)
        await charge_batch(coffer, actor, [usage_of(wallet, "TOKENS")])
        report = await usage_report(coffer, actor, UsageQuestion(None, [GroupBy.METRIC]))
    assert {row.keys[0]: row.events for row in report.slices} == dict.fromkeys(METRICS, 2) | {"TOKENS": 1}


async def test_the_worker_folds_what_waits(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps, until nothing waits; figures are the same as before."""
    monkeypatch.setattr(usage, "FOLD_CHANGES", 1)
    monkeypatch.setattr(usage, "FOLD_STEP_CHANGES", 2)
    await recorded(coffer, actor)
    asked = UsageQuestion(None, [GroupBy.METRIC, GroupBy.WEEK])
    before = await usage_report(coffer, actor, asked)
    await fold_recorded(coffer)
    assert (await waiting(coffer), await usage_report(coffer, actor, asked)) == (0, before)


@pytest.mark.parametrize("time", [GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH])
async def test_sums_of_the_project_answer_alone(coffer: Coffer, actor: Actor, time: GroupBy) -> None:
    """By metric and whole days, weeks or months nothing is read of its wallets."""
    await recorded(coffer, actor)
    start = NOW.date().replace(day=1) - timedelta(days=NOW.date().replace(day=1).weekday())
    asked = UsageQuestion(None, [GroupBy.METRIC, time], start)
    before = await usage_report(coffer, actor, asked)
    connection = await asyncpg.connect(coffer.database.url)
    await connection.execute("truncate metric_slot, gauge_slot")
    await connection.close()
    assert (await usage_report(coffer, actor, asked), len(before.slices)) == (before, 3)


async def test_too_many_changes_are_not_read(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the caller is told to ask again, for figures of the project alone."""
    monkeypatch.setattr(usage_figures, "MAX_WAITING_CHANGES", 1)
    wallet = await measured(coffer, actor)
    for _ in range(2):
        await record_batch(coffer, actor, [usage_of(wallet)])
    report = await usage_report(coffer, actor, UsageQuestion([wallet], [GroupBy.METRIC]))
    assert report.events == 2
    with pytest.raises(Busy, match="ask again"):
        await usage_report(coffer, actor, UsageQuestion(None, [GroupBy.METRIC]))


@pytest.mark.parametrize("wallets", [1, 5])
async def test_queries_do_not_grow_with_the_wallets(coffer: Coffer, actor: Actor, wallets: int) -> None:
    """A report by metric takes three queries for any number of wallets."""
    wallet = await measured(coffer, actor)
    for _ in range(wallets):
        await record_batch(coffer, actor, [usage_of(wallet)])
        wallet = (await wallet_with(coffer, actor, 0)).uuid
    statements: list[str] = []
    engine = coffer.database._engine.sync_engine  # noqa: SLF001 - to count what is sent
    listening.listen(engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    await usage_report(coffer, actor, UsageQuestion(None, [GroupBy.METRIC]))
    assert len(statements) == 3


async def test_reconcile_finds_what_was_planted(coffer: Coffer, actor: Actor) -> None:
    """Each wrong row breaks the promise about it, and without one both hold."""
    await recorded(coffer, actor)
    assert await broken(coffer) == []
    assert await unnoticed(coffer.database.url, PLANTED) == []
