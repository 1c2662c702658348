"""Recorded usage by any keys in any zone is what a sum over the events says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.folds import make_clock
from db.reconcile import PROMISES
from domain.analytics import GroupBy
from domain.metrics import MAX_LATE_DAYS, Aggregation, MetricDefinition
from domain.pricing import UsageCategory
from services.analytics import usage_breakdown, usage_summary
from services.metrics import define_metric
from services.recording import charge_batch, record_batch
from services.requests import UsageRequest
from services.usage import UsageQuestion, usage_report
from tests.builders import owner_of, wallet_with
from tests.services.test_usage_sums import BORDERS, NEAR, ZONES, make_days, time_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.permissions import Actor
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
    """Units of a metric, used by a member of one of two wallets; below zero takes units back."""

    at: datetime
    units: int
    metric: str
    wallet: int
    member: str | None
    charged: bool = False

    @property
    def credits(self) -> int:
        """What it costs."""
        return self.units * PRICE if self.charged else 0


MEMBERS = st.sampled_from(["ana", None])
RECORDED = st.builds(Event, NEAR, st.integers(-50, 50), st.sampled_from(sorted(METRICS)), st.integers(0, 1), MEMBERS)
CHARGED = st.builds(
    Event,
    NEAR,
    st.integers(1, 50),
    st.just("SUMMED"),
    st.integers(0, 1),
    MEMBERS,
    st.just(value=True),
)
BY = sorted(set(GroupBy) - {GroupBy.API_KEY, GroupBy.WALLET, GroupBy.METRIC})


def key_of(event: Event, group: GroupBy, zone: ZoneInfo) -> str:
    """An event's key, worked out without the database."""
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


def summed(
    events: Sequence[Event], groups: Sequence[GroupBy], zone: ZoneInfo
) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Credits, events and units of each combination of keys, by a scan."""
    found: dict[tuple[str, ...], dict[Any, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        found[tuple(key_of(event, group, zone) for group in groups)][event.metric, event.wallet, event.member].append(
            event
        )
    return {
        key: (
            sum(event.credits for own in series.values() for event in own),
            sum(len(own) for own in series.values()),
            sum(figure(own) for own in series.values()),
        )
        for key, series in found.items()
    }


async def write(coffer: Coffer, actor: Actor, events: Sequence[Event], zone: ZoneInfo, steps: int) -> list[Any]:
    """Record and charge events for two wallets, each of them twice, in an order in which the last is sent last.

    In the middle some steps of days of the zone's clocks are made.
    """
    wallets = [await wallet_with(coffer, actor, 100_000) for _ in range(2)]
    for metric in METRICS.values():
        await define_metric(coffer, actor, metric)
    requests = [
        UsageRequest(wallets[event.wallet].uuid, event.metric, event.units, f"{place}", event.member, event.at)
        for place, event in enumerate(events)
    ]
    then = replace(coffer, clock=lambda: NOW)
    numbered = list(zip(requests, events, strict=True))
    half = len(numbered) // 2
    for part in (numbered[:half], numbered[half:]):
        for act, charged in ((record_batch, False), (charge_batch, True)):
            batch = [request for request, event in part if event.charged is charged]
            for _ in range(2 if batch else 0):
                await act(then, actor, batch)
        await make_days(coffer, actor, zone, steps)
    return wallets


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recorded=st.lists(RECORDED, min_size=1, max_size=15),
    charged=st.lists(CHARGED, max_size=5),
    zone=st.sampled_from(ZONES),
    other=st.none() | st.sampled_from(BY),
    days=st.tuples(st.sampled_from(BORDERS), st.integers(-1, 1), st.integers(0, 70), st.sampled_from([0, 1, 3, 10])),
)
async def test_every_aggregate_is_the_sum_over_the_events(
    coffer: Coffer, recorded: list[Event], charged: list[Event], zone: str, other: GroupBy | None, days: tuple[Any, ...]
) -> None:
    """By metric and any key, zone, range and days made, figures are those of a scan over late and repeated events."""
    actor = await owner_of(coffer, uuid4().hex)
    events = [*recorded, *charged]
    wallets = await write(coffer, actor, events, ZoneInfo(zone), days[3])
    start = (days[0] + timedelta(days=days[1])).date()
    end = start + timedelta(days=days[2])
    groups = [GroupBy.METRIC] if other is None else [GroupBy.METRIC, other]
    report = await usage_report(coffer, actor, UsageQuestion(None, groups, start, end, zone, metrics=True))
    local = ZoneInfo(zone)
    inside = [event for event in events if start <= event.at.astimezone(local).date() <= end]
    found = {tuple(row.keys): (row.credits, row.events, row.units) for row in report.slices}
    assert found == summed(inside, groups, local)
    by_metric = summed(inside, [GroupBy.METRIC], local)
    assert {(row.key,): (row.credits, row.events, row.units) for row in report.metrics} == by_metric

    expected = summed([event for event in inside if event.wallet == 0], [GroupBy.METRIC], local)
    summary = await usage_summary(coffer, actor, wallets[0].uuid, (start, end, zone))
    broken_down = await usage_breakdown(coffer, actor, wallets[0].uuid, GroupBy.METRIC, (start, end, zone))
    for rows in (summary.metrics, broken_down):
        assert {(row.key,): (row.credits, row.events, row.units) for row in rows} == expected


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
