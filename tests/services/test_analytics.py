"""Usage figures are what the ledger says, at the moment it says it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from domain.analytics import GroupBy
from domain.errors import InvalidInput
from services.analytics import usage_breakdown, usage_summary
from services.holds import capture_hold, hold
from services.requests import CaptureRequest, HoldRequest
from services.spending import consume_batch
from services.usage import UsageQuestion, usage_report
from tests.builders import owner_of, spend_of, wallet_with
from tests.services.test_usage_sums import Row, written

if TYPE_CHECKING:
    from services.coffer import Coffer

DEFAULT = (None, None, None)


async def test_every_breakdown_adds_up_to_the_spends(coffer: Coffer) -> None:
    """By feature, category, member and day the sums are those of the spends and captures just made."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 10_000)
    features = ["AI_SEARCH", "AI_SUMMARY", "API_EXPORT_DATA", "CREATE_COMMUNITY"]
    spends = [spend_of(wallet.uuid, features[n % 4], member="ana" if n % 3 else None) for n in range(40)]
    results = await consume_batch(coffer, actor, spends)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 50, seconds=60))).hold
    await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 30, final=True))
    sums = Counter({"HOLD_CAPTURE": 30})
    for result in results:
        sums[result.transaction.feature] -= result.transaction.credits  # type: ignore[union-attr]
    words = (coffer, actor, wallet.uuid)
    by_feature = await usage_breakdown(*words, GroupBy.FEATURE, DEFAULT)
    assert {row.key: row.credits for row in by_feature} == dict(sums)
    for group in set(GroupBy) - {GroupBy.METRIC}:
        rows = await usage_breakdown(*words, group, DEFAULT)
        assert (sum(row.credits for row in rows), sum(row.events for row in rows)) == (sums.total(), 41)
    summary = await usage_summary(*words, DEFAULT)
    assert (summary.credits, summary.today, summary.events) == (sums.total(), sums.total(), 41)


async def test_a_range_that_can_not_be_is_refused(coffer: Coffer) -> None:
    """A range that ends before it begins, or has more than 400 days, is INVALID_INPUT."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    today = coffer.clock().date()
    for start in (today.replace(year=today.year + 1), today.replace(year=today.year - 2)):
        with pytest.raises(InvalidInput):
            await usage_summary(coffer, actor, wallet.uuid, (start, today, None))


@pytest.mark.parametrize(("keys", "before"), [([GroupBy.FEATURE], "A"), ([GroupBy.DAY], "2026-02-25")])
async def test_the_period_before_has_its_own_slices(coffer: Coffer, keys: list[GroupBy], before: str) -> None:
    """What was used before and is not now, and a day of that time, are in the slices of the period before."""
    used = [
        Row(0, datetime(2026, 2, 25, 12, tzinfo=UTC), 30, "A", None, keyed=False, refund=False),
        Row(0, datetime(2026, 3, 4, 12, tzinfo=UTC), 20, "STORAGE_1GB", None, keyed=False, refund=False),
    ]
    books = await written(coffer, [used])
    days = (date(2026, 3, 1), date(2026, 3, 7), "UTC")
    report = await usage_report(coffer, books.actor, UsageQuestion(None, keys, *days, compare=True))
    assert report.previous_slices is not None
    assert [(row.keys, row.credits) for row in report.previous_slices] == [((before,), 30)]
