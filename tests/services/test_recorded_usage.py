"""Recorded usage by any keys in any zone is what a sum over the events says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from db.folds import RECORDED, fold, make_clock
from db.metric_promises import METRIC_PROMISES
from db.reconcile import PROMISES
from domain.analytics import GroupBy
from domain.metrics import MAX_LATE_DAYS, Aggregation, MetricDefinition
from domain.permissions import Actor, Role
from domain.pricing import UsageCategory
from services.analytics import usage_breakdown, usage_summary
from services.keys import issue_key
from services.metrics import define_metric
from services.recording import charge_batch, record_batch
from services.requests import UsageRequest
from services.usage import UsageQuestion, usage_report
from tests.builders import owner_of, wallet_with
from tests.long import examples
from tests.services.test_usage_sums import BORDERS, SLOW, ZONES, make_days, time_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.models.ledger import Wallet
    from domain.usage import UsageRow
    from services.coffer import Coffer

NOW = datetime(2026, 1, 5, tzinfo=UTC)
"""Late enough for every time below, and not too late for any."""

PRICE = 15
METRICS = {
    key: MetricDefinition(key, key, "u", category, aggregation, feature, MAX_LATE_DAYS)
    for key, category, aggregation, feature in (
        ("SUMMED", UsageCategory.AI, Aggregation.SUM, "AI_SUMMARY"),
        ("HIGHEST", UsageCategory.API, Aggregation.MAX, None),
        ("LATEST", UsageCategory.STORAGE, Aggregation.LATEST, None),
    )
}


@dataclass(frozen=True)
class Event:
    """Units of a metric, used by a member of one of two wallets and told with one of two API keys.

    Units below zero take some back.
    """

    at: datetime
    units: int
    metric: str
    wallet: int
    member: str | None
    key: int
    charged: bool = False

    @property
    def credits(self) -> int:
        """What it costs."""
        return self.units * PRICE if self.charged else 0


SECONDS = st.one_of(
    st.integers(-2, 2),
    st.integers(-90_000, 90_000),
    st.integers(-40 * 86_400, 0),
    st.sampled_from([-3600, -1800, 1800, 3600]),
)
OFTEN_NONE = st.sampled_from([None, None, "ana"])
OFTEN_FIRST = st.sampled_from([0, 0, 0, 1])
"""Most events are of one series, so that the slots of series have several."""


def happenings(border: datetime) -> st.SearchStrategy[tuple[datetime, list[Event]]]:
    """A border of days or months, and events near it and in the weeks before."""
    at = SECONDS.map(lambda seconds: border + timedelta(seconds=seconds))
    recorded = st.builds(
        Event, at, st.integers(-50, 50), st.sampled_from(sorted(METRICS)), OFTEN_FIRST, OFTEN_NONE, OFTEN_FIRST
    )
    charged = st.builds(
        Event, at, st.integers(1, 50), st.just("SUMMED"), OFTEN_FIRST, OFTEN_NONE, st.just(0), st.just(value=True)
    )
    lists = st.lists(recorded, min_size=1, max_size=30), st.lists(charged, max_size=5)
    return st.tuples(st.just(border), st.builds(list.__add__, *lists))


BY = sorted(set(GroupBy) - {GroupBy.METRIC})
FOLDS = st.sampled_from([0, 1, 4, 10_000])
"""Changes of the project's sums that are folded at once: none, some of them, all."""


@dataclass(frozen=True)
class Measured:
    """Events of two wallets of a project, which were told with two API keys."""

    actor: Actor
    wallets: list[Wallet]
    keys: list[str]
    events: list[Event]

    def key_of(self, event: Event, group: GroupBy, zone: ZoneInfo) -> str:
        """An event's key, worked out without the database."""
        own = {
            GroupBy.WALLET: f"wal_{self.wallets[event.wallet].uuid.hex}",
            GroupBy.API_KEY: self.keys[event.key],
        }
        return own[group] if group in own else key_of(event, group, zone)

    def summed(self, events: Sequence[Event], groups: Sequence[GroupBy], zone: ZoneInfo) -> dict[Any, tuple[Any, ...]]:
        """Credits, events, units and last time of each combination of keys, by a scan."""
        found: dict[tuple[str, ...], dict[Any, list[Event]]] = defaultdict(lambda: defaultdict(list))
        for event in events:
            series = found[tuple(self.key_of(event, group, zone) for group in groups)]
            series[event.metric, event.wallet, event.member].append(event)
        return {
            key: (
                sum(event.credits for own in series.values() for event in own),
                sum(len(own) for own in series.values()),
                sum(figure(own) for own in series.values()),
                max(event.at for own in series.values() for event in own),
            )
            for key, series in found.items()
        }


def shown(rows: Sequence[UsageRow]) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """A report's slices as a scan gives them."""
    return {tuple(row.keys): (row.credits, row.events, row.units, row.last_activity_at) for row in rows}


def key_of(event: Event, group: GroupBy, zone: ZoneInfo) -> str:
    """An event's key that is none of its project's own names, worked out without the database."""
    metric = METRICS[event.metric]
    own = {
        GroupBy.METRIC: metric.key,
        GroupBy.FEATURE: metric.feature or "",
        GroupBy.CATEGORY: metric.category.name,
        GroupBy.MEMBER: event.member or "",
    }
    return own[group] if group in own else time_key(event.at, group, zone)


def figure(events: Sequence[Event]) -> int:
    """The units of one series: one metric of one wallet and member."""
    match METRICS[events[0].metric].aggregation:
        case Aggregation.SUM:
            return sum(event.units for event in events)
        case Aggregation.MAX:
            return max(event.units for event in events)
    # Of two events at one time the one that was sent last is the latest.
    return max(enumerate(events), key=lambda numbered: (numbered[1].at, numbered[0]))[1].units


async def write(coffer: Coffer, events: list[Event], zone: ZoneInfo, steps: int, folds: Sequence[int]) -> Measured:
    """Record and charge events for two wallets, each of them twice, in an order in which the last is sent last.

    They come in as many parts as there are folds: after each, so many changes of the project's sums are folded, and
    some days of the zone's clocks made.
    """
    project = uuid4().hex
    keys = [(await issue_key(coffer.database, project, Role.OWNER)).key for _ in range(2)]
    actor, other = (Actor(key.project_id, Role.OWNER, key.id) for key in keys)
    wallets = [await wallet_with(coffer, actor, 100_000) for _ in range(2)]
    for metric in METRICS.values():
        await define_metric(coffer, actor, metric)
    requests = [
        UsageRequest(wallets[event.wallet].uuid, event.metric, event.units, f"{place}", event.member, event.at)
        for place, event in enumerate(events)
    ]
    then = replace(coffer, clock=lambda: NOW)
    numbered = list(zip(requests, events, strict=True))
    size = -(-len(numbered) // len(folds))
    for part, rows in enumerate(folds):
        own = numbered[part * size : (part + 1) * size]
        for (charged, key), run in groupby(own, lambda of: (of[1].charged, of[1].key)):
            batch = [request for request, _ in run]
            for _ in range(2):
                await (charge_batch if charged else record_batch)(then, other if key else actor, batch)
        async with coffer.database.transaction() as session:
            await fold(session, RECORDED, actor.project_id, rows)
        await make_days(coffer, actor, zone, steps)
    return Measured(actor, wallets, [f"key_{key.uuid.hex}" for key in keys], events)


async def broken(coffer: Coffer) -> list[Any]:
    """What breaks the promises about recorded usage."""
    connection = await asyncpg.connect(coffer.database.url)
    found = [row for promise, query in PROMISES.items() if promise in OF_USAGE for row in await connection.fetch(query)]
    await connection.close()
    return found


OF_USAGE = {"the sums of recorded usage equal its events", *METRIC_PROMISES}


@settings(max_examples=examples(40, 150), deadline=None, suppress_health_check=SLOW)
@given(
    happened=st.sampled_from(BORDERS).flatmap(happenings),
    zone=st.sampled_from(ZONES),
    by=st.tuples(st.none() | st.sampled_from(BY), st.sampled_from([None, None, None, UsageCategory.STORAGE])),
    days=st.tuples(st.integers(-40, 1), st.integers(0, 80), st.sampled_from([0, 1, 3, 10])),
    folds=st.tuples(FOLDS, FOLDS),
)
async def test_every_aggregate_is_the_sum_over_the_events(
    coffer: Coffer,
    happened: tuple[datetime, list[Event]],
    zone: str,
    by: tuple[GroupBy | None, UsageCategory | None],
    days: tuple[int, int, int],
    folds: tuple[int, int],
) -> None:
    """By metric and any key, zone, range, days made and folds, figures are those of a scan of late, repeated events."""
    local = ZoneInfo(zone)
    books = await write(coffer, happened[1], local, days[2], folds)
    actor = books.actor
    start = (happened[0] + timedelta(days=days[0])).date()
    end = start + timedelta(days=days[1])
    groups = [GroupBy.METRIC] if by[0] is None else [GroupBy.METRIC, by[0]]
    inside = [event for event in books.events if start <= event.at.astimezone(local).date() <= end]
    chosen = [event for event in inside if by[1] in {None, METRICS[event.metric].category}]
    report = await usage_report(
        coffer, actor, UsageQuestion(None, groups, start, end, zone, category=by[1], metrics=True)
    )
    assert shown(report.slices) == books.summed(chosen, groups, local)
    assert {row.key: (row.credits, row.events, row.units) for row in report.metrics} == {
        key: sums[:3] for (key,), sums in books.summed(chosen, [GroupBy.METRIC], local).items()
    }
    wallet = books.wallets[0].uuid
    own = [event for event in chosen if event.wallet == 0]
    report = await usage_report(coffer, actor, UsageQuestion([wallet], groups, start, end, zone, category=by[1]))
    assert shown(report.slices) == books.summed(own, groups, local)

    own = [event for event in inside if event.wallet == 0]
    expected = {key: sums[:3] for (key,), sums in books.summed(own, [GroupBy.METRIC], local).items()}
    summary = await usage_summary(coffer, actor, wallet, (start, end, zone))
    broken_down = await usage_breakdown(coffer, actor, wallet, GroupBy.METRIC, (start, end, zone))
    for rows in (summary.metrics, broken_down):
        assert {row.key: (row.credits, row.events, row.units) for row in rows} == expected
    assert await broken(coffer) == []


async def test_days_made_while_usage_is_recorded_have_all_of_it(coffer: Coffer) -> None:
    """Events recorded beside every step that makes a clock's days are in them, as reconcile sees it."""
    actor = await owner_of(coffer, uuid4().hex)
    wallet = await wallet_with(coffer, actor, 0)
    await define_metric(coffer, actor, METRICS["SUMMED"])
    made = asyncio.Event()

    async def record(worker: int) -> None:
        number = 0
        while not made.is_set() or not number:
            now = NOW - timedelta(hours=number * 7 % 4_000)
            event = UsageRequest(wallet.uuid, "SUMMED", 1, f"{worker}-{number}", None, now)
            await record_batch(replace(coffer, clock=lambda: NOW), actor, [event])
            number += 1

    recorders = [asyncio.create_task(record(worker)) for worker in range(3)]
    for zone in ("America/New_York", "Asia/Kathmandu"):
        await make_days(coffer, actor, ZoneInfo(zone), 20)
    made.set()
    await asyncio.gather(*recorders)
    async with coffer.database.transaction() as session:
        for offset in (-300, -240, 345):
            while await make_clock(session, actor.project_id, offset, 10_000):
                pass
    connection = await asyncpg.connect(coffer.database.url)
    assert await connection.fetch(PROMISES["the sums of recorded usage equal its events"]) == []
    await connection.close()
