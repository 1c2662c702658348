"""Usage in any zone and by any keys is what a sum over the ledger's rows says."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from db.reconcile import PROMISES
from db.usage import fold
from domain.analytics import GroupBy
from domain.errors import InvalidInput, NotFound
from domain.pricing import UsageCategory
from services import usage as usage_module
from services.holds import capture_hold, hold
from services.requests import CaptureRequest, HoldRequest
from services.spending import consume_batch
from services.usage import UsageQuestion, fold_usage, usage_report
from services.usage_feed import watch_usage
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer

ROW = """insert into credit_transaction (wallet_id, sequence, amount, balance_before, balance_after, units, created_at,
  api_key_id, type, source, from_account, to_account, category, key_hash, idempotency_key, feature, member)
values ($1, $2::bigint, $3::bigint, case when $4 = 12 then $3 else 0 end, case when $4 = 12 then 0 else $3 end, 1, $5,
  $6, $7, 1, case when $4 = 12 then 1 else 11 end, $4, $8, gen_random_uuid(), $2::text, $9, $10)"""
ZONES = ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC", "America/Havana"]
BORDERS = [
    datetime(2025, 3, 9, 7, tzinfo=UTC),
    datetime(2025, 11, 2, 5, tzinfo=UTC),
    datetime(2025, 4, 5, 15, tzinfo=UTC),
    datetime(2025, 9, 30, 18, 30, tzinfo=UTC),
    datetime(2025, 12, 31, 18, 15, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
]
MOMENTS = st.builds(
    lambda border, seconds: border + timedelta(seconds=seconds),
    st.sampled_from(BORDERS),
    st.one_of(st.integers(-2, 2), st.integers(-90_000, 90_000), st.sampled_from([-3600, -1800, 1800, 3600])),
)
FLAGS = st.booleans()
ROWS = st.lists(
    st.tuples(MOMENTS, st.integers(0, 50), st.sampled_from(["A", "B", None]), st.sampled_from(["ana", None]), FLAGS),
    min_size=1,
    max_size=12,
)
GROUPS = sorted(set(GroupBy) - {GroupBy.API_KEY, GroupBy.WALLET, GroupBy.METRIC})
FEATURE_CATEGORY = {"A": UsageCategory.AI, "B": UsageCategory.API, None: None}


def key_of(at: datetime, row: tuple[Any, ...], group: GroupBy, zone: ZoneInfo) -> str:
    """A row's key, worked out without the database."""
    _, _, feature, member, _ = row
    local = at.astimezone(zone)
    names = {
        GroupBy.FEATURE: feature or "HOLD_CAPTURE",
        GroupBy.CATEGORY: category.name if (category := FEATURE_CATEGORY[feature]) else "HOLD",
        GroupBy.MEMBER: member or "",
        GroupBy.DAY: local.date().isoformat(),
        GroupBy.WEEK: (local.date() - timedelta(days=local.weekday())).isoformat(),
        GroupBy.MONTH: f"{local:%Y-%m}",
        GroupBy.HOUR: f"{at - timedelta(minutes=local.minute):%Y-%m-%dT%H:%MZ}",
    }
    return names[group]


async def write(coffer: Coffer, wallet_id: int, rows: list[Any], first: int) -> None:
    """Rows of a wallet, in the given order, with the times that they say; a row that is no use gives credits back."""
    connection = await asyncpg.connect(coffer.database.url)
    for number, (at, amount, feature, member, refund) in enumerate(rows, first):
        # A refund moves credits from outside into available: it counts in no figure of usage.
        kind, account, category = (4, 1, None) if refund else (2, 12, FEATURE_CATEGORY[feature])
        words = (amount, account, at, None, kind, category, feature, member)
        await connection.execute(ROW, wallet_id, number, *words)
    await connection.execute("update wallet set sequence = $2 where id = $1", wallet_id, first + len(rows) - 1)
    await connection.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    folded=ROWS,
    tail=ROWS,
    zone=st.sampled_from(ZONES),
    groups=st.lists(
        st.sampled_from(GROUPS),
        max_size=2,
        unique=True,
    ),
    days=st.tuples(st.sampled_from(BORDERS), st.integers(-1, 1), st.integers(0, 40)),
)
async def test_every_aggregate_is_the_sum_over_the_rows(
    coffer: Coffer, folded: list[Any], tail: list[Any], zone: str, groups: list[GroupBy], days: tuple[Any, ...]
) -> None:
    """Any keys, zone and range give the sums of a scan, with rows below and above the cursor and rows out of order."""
    actor = await owner_of(coffer, uuid4().hex)
    wallet = await wallet_with(coffer, actor, 0)
    await write(coffer, wallet.id, folded, 1)
    async with coffer.database.transaction() as session:
        await fold(session, wallet.id, 10_000)
    await write(coffer, wallet.id, tail, len(folded) + 1)
    start = (days[0] + timedelta(days=days[1])).date()
    end = start + timedelta(days=days[2])
    report = await usage_report(coffer, actor, UsageQuestion([wallet.uuid], groups, start, end, zone))
    expected: Counter[tuple[str, ...]] = Counter()
    events: Counter[tuple[str, ...]] = Counter()
    for row in [*folded, *tail]:
        if not row[4] and start <= row[0].astimezone(ZoneInfo(zone)).date() <= end:
            key = tuple(key_of(row[0].replace(second=0), row, group, ZoneInfo(zone)) for group in groups)
            expected[key] += row[1]
            events[key] += 1
    assert {tuple(row.keys): (row.credits, row.events) for row in report.slices} == {
        key: (expected[key], events[key]) for key in events
    }
    assert (report.credits, report.events) == (expected.total(), events.total())


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


async def test_a_fold_keeps_its_promise(coffer: Coffer) -> None:
    """Reconcile finds the folded usage equal to the ledger."""
    await spend_some(coffer, await owner_of(coffer), 600)
    await fold_usage(coffer)
    connection = await asyncpg.connect(coffer.database.url)
    assert await connection.fetch(PROMISES["the folded usage equals the ledger"]) == []
    await connection.close()


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


@pytest.mark.parametrize("wallets", [1, 5])
async def test_queries_do_not_grow_with_the_wallets(coffer: Coffer, wallets: int) -> None:
    """A report by wallet and feature with the period before takes three queries for any number of wallets."""
    actor = await owner_of(coffer)
    named = [(await spend_some(coffer, actor, 4)).uuid for _ in range(wallets)]
    statements: list[str] = []
    engine = coffer.database._engine.sync_engine  # noqa: SLF001 - to count what is sent
    event.listen(engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    await usage_report(coffer, actor, UsageQuestion(named, [GroupBy.WALLET, GroupBy.FEATURE], compare=True))
    assert len(statements) == 3


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
    monkeypatch.setattr(usage_module, "MAX_SLICES", 1)
    with pytest.raises(InvalidInput):
        await usage_report(coffer, actor, UsageQuestion(group_by=[GroupBy.FEATURE]))
