"""A month of usage by days is the same however its days came in, and a fold reads what it folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.usage import fold_usage
from tests.builders import owner_of
from tests.services.planting import unnoticed
from tests.services.test_usage import spend_some

if TYPE_CHECKING:
    from services.coffer import Coffer

DAY = st.tuples(st.integers(1, 31), st.integers(1, 9), st.integers(0, 9), st.integers(1, 99), st.integers(1, 10**16))
FOLDED = st.lists(st.lists(DAY, min_size=1, max_size=5, unique_by=lambda day: day[0]), min_size=1, max_size=6)
PLANTED = {
    "update usage_quarter set credits = credits + 1": "the folded usage equals the ledger",
    "update usage_month set days[1][3] = days[1][3] + 1 where view = 0": "months of usage are made of its quarters",
    "delete from usage_month where view = 1": "months of usage are made of its quarters",
    "update usage_month set days = days || days where view = 7": "months of usage are made of its quarters",
}


def month_of(days: list[tuple[int, ...]]) -> list[list[int]]:
    """Sums up to each day of a month up to the last one with usage, and the last activity up to then."""
    found = []
    for number in range(1, max(day[0] for day in days) + 1):
        until = [day for day in days if day[0] <= number]
        found.append([sum(day[part] for day in until) for part in (1, 2, 3)] + [max((d[4] for d in until), default=0)])
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folds=FOLDED)
async def test_days_may_come_in_any_order(coffer: Coffer, folds: list[list[tuple[int, ...]]]) -> None:
    """Days of many folds, the next one, after a gap, in the middle or several at once, add up to each day's sums."""
    connection = await asyncpg.connect(coffer.database.url)
    month = None
    try:
        for days in folds:
            added = await connection.fetchval("select ledger.month_of($1)", sorted(list(day) for day in days))
            month = await connection.fetchval("select ledger.merge_months($1, $2)", month, added) if month else added
    finally:
        await connection.close()
    assert month == month_of([day for days in folds for day in days])


async def test_wrong_months_are_found(coffer: Coffer) -> None:
    """A credit more on a day, a quarter or a month that is missing, and days that are there twice break a promise."""
    await spend_some(coffer, await owner_of(coffer), 600)
    await fold_usage(coffer)
    assert await unnoticed(coffer.database.url, PLANTED) == []


async def test_a_fold_reads_the_rows_that_it_folds(coffer: Coffer) -> None:
    """A fold of a few rows looks these up by their key, and not the whole ledger through."""
    actor = await owner_of(coffer)
    await spend_some(coffer, actor, 600)
    await fold_usage(coffer)
    await spend_some(coffer, actor, 5)
    admin = await asyncpg.connect(coffer.database.url)
    await admin.execute("analyze")
    async with admin.transaction():
        assert await admin.fetchval("select ledger.fold_usage($1, 100)", actor.project_id) > 0
        read = "select seq_scan from pg_stat_xact_user_tables where relname = 'credit_transaction'"
        assert await admin.fetchval(read) == 0
    await admin.close()
