"""Every aggregate of usage is what a sum over the ledger's rows says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.folds import LEDGER, fold, make_clock, want_clocks
from domain.analytics import GroupBy
from domain.pricing import UsageCategory
from domain.slots import OFFSETS, missing_clocks
from services.analytics import (
    storage_growth,
    top_features,
    usage_burn_rate,
    usage_month_to_date,
)
from services.exports import export_usage
from services.usage import UsageQuestion, usage_report
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from domain.permissions import Actor
    from services.coffer import Coffer

ROW = """insert into credit_transaction (wallet_id, sequence, amount, balance_before, balance_after, units, created_at,
  api_key_id, type, source, from_account, to_account, category, key_hash, idempotency_key, feature, member)
values ($1, $2::bigint, $3::bigint, case when $4 = 12 then $3 else 0 end, case when $4 = 12 then 0 else $3 end, 1, $5,
  $6, $7, 1, case when $4 = 12 then 1 else 11 end, $4, $8, gen_random_uuid(), $2::text, $9, $10)"""
SEQUENCE = "update wallet set sequence = sequence + 1, updated_at = now() where id = $1 returning sequence"
ZONES = ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC", "America/Havana"]
BORDERS = [
    datetime(2025, 3, 9, 7, tzinfo=UTC),
    datetime(2025, 11, 2, 5, tzinfo=UTC),
    datetime(2025, 4, 5, 15, tzinfo=UTC),
    datetime(2025, 9, 30, 18, 30, tzinfo=UTC),
    datetime(2025, 12, 31, 18, 15, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
]
CATEGORIES = {"A": UsageCategory.AI, "STORAGE_1GB": UsageCategory.STORAGE, None: None}


@dataclass(frozen=True)
class Row:
    """A movement: a spend, a capture without a feature, or a refund, which counts in no figure of usage."""

    wallet: int
    at: datetime
    credits: int
    feature: str | None
    member: str | None
    keyed: bool
    refund: bool


NEAR = st.builds(
    lambda border, seconds: border + timedelta(seconds=seconds),
    st.sampled_from(BORDERS),
    st.one_of(st.integers(-2, 2), st.integers(-90_000, 90_000), st.sampled_from([-3600, -1800, 1800, 3600])),
)
FAR = st.builds(
    lambda border, seconds: border + timedelta(seconds=seconds),
    st.sampled_from(BORDERS),
    st.integers(-40 * 86_400, 40 * 86_400),
)
MOMENTS = st.one_of(NEAR, FAR)
FLAGS = st.booleans()
ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 1),
        MOMENTS,
        st.integers(0, 50),
        st.sampled_from(list(CATEGORIES)),
        st.sampled_from(["ana", None]),
        FLAGS,
        FLAGS,
    ),
    min_size=1,
    max_size=12,
)


def time_key(at: datetime, group: GroupBy, zone: ZoneInfo) -> str:
    """The hour, day, week or month of a time, worked out without the database."""
    local = at.astimezone(zone)
    names = {
        GroupBy.DAY: local.date().isoformat(),
        GroupBy.WEEK: (local.date() - timedelta(days=local.weekday())).isoformat(),
        GroupBy.MONTH: f"{local:%Y-%m}",
        GroupBy.HOUR: f"{at - timedelta(minutes=local.minute):%Y-%m-%dT%H:%MZ}",
    }
    return names[group]


@dataclass(frozen=True)
class Books:
    """Two wallets of a project, whose rows are written partly before a fold and partly after it."""

    coffer: Coffer
    actor: Actor
    wallets: list[Wallet]
    key: str
    rows: list[Row]

    def used(self, wallets: list[UUID] | None) -> list[Row]:
        """The rows that are usage of these wallets, or of all."""
        chosen = {number for number, wallet in enumerate(self.wallets) if wallets is None or wallet.uuid in wallets}
        return [row for row in self.rows if row.wallet in chosen and not row.refund]

    def name(self, row: Row, group: GroupBy, zone: ZoneInfo) -> str:
        """A row's key, worked out without the database."""
        names = {
            GroupBy.FEATURE: row.feature or "HOLD_CAPTURE",
            GroupBy.CATEGORY: category.name if (category := CATEGORIES[row.feature]) else "HOLD",
            GroupBy.MEMBER: row.member or "",
            GroupBy.API_KEY: self.key if row.keyed else "",
            GroupBy.WALLET: f"wal_{self.wallets[row.wallet].uuid.hex}",
        }
        return names[group] if group in names else time_key(row.at, group, zone)


async def make_days(coffer: Coffer, actor: Actor, zone: ZoneInfo, steps: int) -> None:
    """Have the days of the zone's clocks made, so many steps of each at most."""
    days = BORDERS[0].date(), BORDERS[-1].date(), zone, [GroupBy.DAY]
    async with coffer.database.transaction() as session:
        missing = missing_clocks(*days, OFFSETS)
        await want_clocks(session, actor.project_id, missing)
        for offset in missing:
            for _ in range(steps):
                await make_clock(session, actor.project_id, offset, 3)


async def written(coffer: Coffer, batches: list[list[Row]], clocks: tuple[ZoneInfo, list[int]] | None = None) -> Books:
    """A project with these rows; each batch but the last is folded, half of it in a fold of its own.

    After each of the folds some steps of days of a zone's clocks are made.
    """
    actor = await owner_of(coffer, uuid4().hex)
    wallets = [await wallet_with(coffer, actor, 0) for _ in range(2)]
    connection = await asyncpg.connect(coffer.database.url)
    key = await connection.fetchval("select replace(uuid::text, '-', '') from api_key where id = $1", actor.api_key_id)
    for number, batch in enumerate(batches):
        if number:
            async with coffer.database.transaction() as session:
                for rows in (len(batch), 10_000):
                    await fold(session, LEDGER, actor.project_id, rows)
            if clocks:
                await make_days(coffer, actor, clocks[0], clocks[1][number - 1])
        for row in batch:
            wallet_id = wallets[row.wallet].id
            kind, account, category = (4, 1, None) if row.refund else (2, 12, CATEGORIES[row.feature])
            place = await connection.fetchval(SEQUENCE, wallet_id)
            key_id = actor.api_key_id if row.keyed else None
            words = (row.credits, account, row.at, key_id, kind, category, row.feature, row.member)
            await connection.execute(ROW, wallet_id, place, *words)
    await connection.close()
    return Books(coffer, actor, wallets, f"key_{key}", [row for batch in batches for row in batch])


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
GROUPS = st.lists(st.sampled_from(sorted(set(GroupBy) - {GroupBy.METRIC})), max_size=2, unique=True)
DAYS = st.tuples(st.sampled_from(BORDERS), st.integers(-40, 1), st.integers(0, 80))
SCOPES = st.sampled_from([None, [0], [1], [0, 1]])
STEPS = st.sampled_from([0, 1, 3, 10])


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    batches=st.lists(ROWS, min_size=2, max_size=3),
    zone=st.sampled_from(ZONES),
    groups=GROUPS,
    days=DAYS,
    of=st.tuples(SCOPES, st.sampled_from([None, None, UsageCategory.AI]), st.lists(STEPS, min_size=2, max_size=2)),
)
async def test_every_breakdown_is_the_sum_over_the_rows(
    coffer: Coffer,
    batches: list[list[Row]],
    zone: str,
    groups: list[GroupBy],
    days: tuple[datetime, int, int],
    of: tuple[list[int] | None, UsageCategory | None, list[int]],
) -> None:
    """Any keys, zone, range, wallets and category give the sums of a scan, remembered ones and exports too."""
    scope, category, steps = of
    books = await written(coffer, batches, (ZoneInfo(zone), steps))
    wallets = None if scope is None else [books.wallets[number].uuid for number in scope]
    start = (days[0] + timedelta(days=days[1])).date()
    end = start + timedelta(days=days[2])
    expected: Counter[tuple[str, ...]] = Counter()
    events: Counter[tuple[str, ...]] = Counter()
    local = ZoneInfo(zone)
    for row in books.used(wallets):
        if start <= row.at.astimezone(local).date() <= end and category in {None, CATEGORIES[row.feature]}:
            key = tuple(books.name(row, group, local) for group in groups)
            expected[key] += row.credits
            events[key] += 1
    right = {key: (expected[key], events[key], events[key]) for key in events}
    asked = UsageQuestion(wallets, groups, start, end, zone, category=category)
    for _ in range(2):
        report = await usage_report(coffer, books.actor, asked)
        assert {tuple(row.keys): (row.credits, row.events, row.units) for row in report.slices} == right
        assert (report.credits, report.events) == (expected.total(), events.total())
    exported = [row async for row in await export_usage(coffer, books.actor, asked)]
    assert {tuple(row.keys): (row.credits, row.events, row.units) for row in exported} == right


@dataclass(frozen=True)
class Scan:
    """A scan of the rows that are usage, by days of a zone, beside a process that takes a moment for now."""

    asking: Coffer
    actor: Actor
    wallets: list[UUID] | None
    rows: list[Row]
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The day of that moment."""
        return self.asking.clock().astimezone(self.zone).date()

    def back(self, days: int) -> date:
        """So many days before it."""
        return self.today - timedelta(days=days)

    def between(self, first: date, last: date, rows: list[Row] | None = None) -> list[Row]:
        """The rows, or those of some, on days from one to another."""
        chosen = self.rows if rows is None else rows
        return [row for row in chosen if first <= row.at.astimezone(self.zone).date() <= last]

    def total(self, first: date, last: date, rows: list[Row] | None = None) -> int:
        """Their credits."""
        return sum(row.credits for row in self.between(first, last, rows))


async def scan(coffer: Coffer, batches: list[list[Row]], zone: str, now: datetime, scope: list[int] | None) -> Scan:
    """New books, and what a scan of them says."""
    books = await written(coffer, batches)
    wallets = None if scope is None else [books.wallets[number].uuid for number in scope]
    asking = replace(coffer, clock=lambda: now)
    return Scan(asking, books.actor, wallets, books.used(wallets), ZoneInfo(zone))


BATCHES = st.lists(ROWS, min_size=2, max_size=2)


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(batches=BATCHES, zone=st.sampled_from(ZONES), now=MOMENTS, scope=SCOPES)
async def test_every_rate_is_a_sum_over_the_rows(
    coffer: Coffer, batches: list[list[Row]], zone: str, now: datetime, scope: list[int] | None
) -> None:
    """The burn rate and the month to date are those of a scan, on any day."""
    books = await scan(coffer, batches, zone, now, scope)
    today, back, total = books.today, books.back, books.total
    burn = await usage_burn_rate(books.asking, books.actor, books.wallets, zone)
    rates = total(back(6), today) / 7, total(back(27), today) / 28
    assert (burn.today, burn.per_day7, burn.per_day28) == (total(today, today), *rates)
    before = total(back(14), back(8))
    assert burn.trend == (total(back(7), back(1)) / before - 1 if before else None)
    month = await usage_month_to_date(books.asking, books.actor, books.wallets, zone)
    first, last = today.replace(day=1), (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    same = min(last + timedelta(days=today.day - 1), first - timedelta(days=1))
    lasts = total(last, same), total(last, first - timedelta(days=1))
    assert (month.credits, month.last_month_to_date, month.last_month) == (total(first, today), *lasts)


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(batches=BATCHES, zone=st.sampled_from(ZONES), now=MOMENTS, scope=SCOPES)
async def test_every_comparison_is_a_sum_over_the_rows(
    coffer: Coffer, batches: list[list[Row]], zone: str, now: datetime, scope: list[int] | None
) -> None:
    """Top features and the growth of storage, with as many days before, are those of a scan, on any day."""
    books = await scan(coffer, batches, zone, now, scope)
    range_, earlier = (books.back(49), books.today), (books.back(99), books.back(50))
    asked = UsageQuestion(books.wallets, (GroupBy.WEEK,), *range_, zone)
    top = await top_features(books.asking, books.actor, asked, 5)
    by_feature = {row.feature: [other for other in books.rows if other.feature == row.feature] for row in books.rows}
    assert {(row.keys[0], row.credits, row.previous_credits) for row in top} == {
        (feature or "HOLD_CAPTURE", books.total(*range_, rows), books.total(*earlier, rows))
        for feature, rows in by_feature.items()
        if books.between(*range_, rows)
    }
    growth = await storage_growth(books.asking, books.actor, asked)
    stored = by_feature.get("STORAGE_1GB", [])
    assert (growth.credits, growth.added_megabytes, growth.previous_megabytes) == (
        books.total(*range_, stored),
        1_000 * len(books.between(*range_, stored)),
        1_000 * len(books.between(*earlier, stored)),
    )
