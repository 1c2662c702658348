"""What the benchmark of usage asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from db import transactions
from db import wallets as wallet_queries
from domain.analytics import GroupBy
from domain.pages import Page
from services.analytics import usage_burn_rate, usage_month_to_date
from services.usage import UsageQuestion, usage_report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date
    from uuid import UUID

    from domain.permissions import Actor
    from services.coffer import Coffer

    Ask = Callable[["Side"], Awaitable[int]]

ROUNDS: Final = 40
SEVERAL: Final = 10
"""Wallets of a question about several."""

INDIA, UTC, NEW_YORK = "Asia/Kolkata", "UTC", "America/New_York"
F, C, M, K, W = GroupBy.FEATURE, GroupBy.CATEGORY, GroupBy.MEMBER, GroupBy.API_KEY, GroupBy.WALLET
_ALL: Final[tuple[tuple[GroupBy, ...], ...]] = (
    (),
    (F,),
    (C,),
    (M,),
    (K,),
    (F, M),
    (F, K),
    (C, M),
    (C, K),
    (M, K),
)
HOUR, DAY, WEEK, MONTH = GroupBy.HOUR, GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH
METRIC = GroupBy.METRIC
_BY_TIME: Final = (((HOUR,), 31), ((DAY,), 400), ((WEEK,), 400), ((MONTH,), 400), ((C, DAY), 400), ((F, DAY), 400))
_METERED: Final = (
    ((METRIC,), 30, INDIA),
    ((METRIC,), 400, INDIA),
    ((METRIC, MONTH), 400, INDIA),
    ((METRIC, WEEK), 400, INDIA),
    ((METRIC, M), 400, INDIA),
    ((METRIC, K), 400, INDIA),
    ((METRIC, DAY), 30, INDIA),
    ((METRIC, DAY), 400, NEW_YORK),
)
_PAST: Final = "90 days that ended 45 days ago"
METRIC = GroupBy.METRIC


@dataclass
class Side:
    """One database: its open parts, with the cache or without, and its wallets, the busiest first."""

    coffer: Coffer
    actor: Actor
    wallets: list[UUID]
    asked: int = 0

    def some(self, count: int) -> list[UUID] | None:
        """Wallets of the next question, drawn alike for each side: all of them for none."""
        self.asked += 1
        step = len(self.wallets) // ROUNDS
        return [self.wallets[(self.asked * step + n * 7) % len(self.wallets)] for n in range(count)] or None


def report(
    wallets: int, keys: tuple[GroupBy, ...], days: int, zone: str = INDIA, *, ago: int = 0, compare: bool = False
) -> Ask:
    """A question for `usageReport`; how many slices its answer has."""

    async def ask(side: Side) -> int:
        start, end = last_days(side, days, ago)
        asked = UsageQuestion(side.some(wallets), keys, start, end, zone, compare)
        return len((await usage_report(side.coffer, side.actor, asked)).slices)

    return ask


def last_days(side: Side, days: int, ago: int) -> tuple[date, date]:
    """So many days, of which the last is today or so many days ago."""
    last = side.coffer.clock().date() - timedelta(days=ago)
    return last - timedelta(days=days - 1), last


def questions() -> dict[str, Ask]:
    """What is asked, by what it is called in the table."""
    found: dict[str, Ask] = {}
    for name, wallets in (("project", 0), ("one wallet", 1), (f"{SEVERAL} wallets", SEVERAL)):
        for keys in _ALL[:2]:
            found[f"{name}, 30 days, {_by(keys)}"] = report(wallets, keys, 30)
        found[f"{name}, 30 days, by feature, compared"] = report(wallets, (F,), 30, compare=True)
        for keys in _ALL:
            found[f"{name}, 400 days, {_by(keys)}"] = report(wallets, keys, 400)
        for keys, days in _BY_TIME:
            for zone in (UTC, INDIA, NEW_YORK):
                found[f"{name}, {days} days of {zone}, {_by(keys)}"] = report(wallets, keys, days, zone)
        found[f"{name}, 400 days of {NEW_YORK}, by feature and member"] = report(wallets, (F, M), 400, NEW_YORK)
        found[f"{name}, {_PAST}, by feature"] = report(wallets, (F,), 90, ago=45)
        for keys, days, zone in _METERED:
            found[f"{name}, {days} days of {zone}, {_by(keys)}"] = report(wallets, keys, days, zone)
        found[f"{name}, burn rate"] = one_of(usage_burn_rate, wallets)
        found[f"{name}, month to date"] = one_of(usage_month_to_date, wallets)
    for days in (30, 400):
        found[f"project, {days} days, by wallet"] = report(0, (W,), days)
    found[f"project, {_PAST}, by wallet"] = report(0, (W,), 90, ago=45)
    found["project, 30 days, by wallet and feature"] = report(0, (W, F), 30)
    found["project, 30 days, by metric and wallet"] = report(0, (METRIC, W), 30)
    return found | {"one wallet, page of transactions": page}


def _by(keys: tuple[GroupBy, ...]) -> str:
    return " and ".join(key.name.lower() for key in keys) or "in sum"


def one_of(query: Callable[..., Awaitable[Any]], wallets: int) -> Ask:
    """A question with one answer."""

    async def ask(side: Side) -> int:
        await query(side.coffer, side.actor, side.some(wallets), INDIA)
        return 1

    return ask


async def page(side: Side) -> int:
    """A wallet's newest 50 transactions, through its service."""
    wallet = (side.some(1) or side.wallets)[0]
    async with side.coffer.database.reading() as session:
        found = await wallet_queries.find(session, side.actor.project_id, wallet)
        assert found is not None
        return len((await transactions.newest(session, [found.id], None, Page(50, None)))[found.id])
