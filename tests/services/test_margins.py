"""Margins of usage: which cost holds on which day, and what a credit earned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from domain.errors import AccessDenied, InvalidInput
from domain.ledger import TransactionType
from domain.margins import MarginWarning, UnitCost
from domain.permissions import Role
from domain.pricing import UsageCategory
from services.margins import MAX_COST_CHANGES, list_feature_margins, margin_report, set_unit_costs
from tests.builders import owner_of, wallet_with
from tests.services.test_usage_sums import ROW

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer

FIRST = date(2026, 3, 1)
PURCHASE = """insert into purchase (uuid, project_id, wallet_id, wallet_uuid, status, method, gateway, amount_minor,
  gst_minor, platform_fee_minor, credits, bonus_credits, currency, idempotency_key)
values (gen_random_uuid(), $1, $2, $3, $4, 1, 'simulated', $5, 0, 0, $6, 0, 'INR', gen_random_uuid())"""


@pytest.fixture
async def seller(coffer: Coffer) -> Actor:
    """The owner of a project of its own."""
    return await owner_of(coffer, uuid4().hex)


async def use(coffer: Coffer, actor: Actor, days: dict[date, int]) -> None:
    """Spends of AI_SUMMARY (15 credits, 1 unit) at noon of those days, so many credits on each."""
    wallet = await wallet_with(coffer, actor, 0)
    connection = await asyncpg.connect(coffer.database.url)
    for number, (day, credits) in enumerate(days.items(), 1):
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
        words = (credits, 12, at, None, TransactionType.USAGE_DEDUCTION, UsageCategory.AI, "AI_SUMMARY", None)
        await connection.execute(ROW, wallet.id, number, *words)
    await connection.execute("update wallet set sequence = $2 where id = $1", wallet.id, len(days))
    await connection.close()


async def cost(coffer: Coffer, actor: Actor, micros: int, day: date) -> None:
    """AI_SUMMARY costs that much infrastructure from a day on."""
    await set_unit_costs(coffer, actor, [UnitCost("AI_SUMMARY", micros, 0)], day)


async def test_usage_costs_what_held_on_its_day(coffer: Coffer, seller: Actor) -> None:
    """Days before the first cost have none, later ones cost what was last said, and the same day may be said again."""
    await use(coffer, seller, {FIRST + timedelta(days=n): 15 for n in range(4)})
    await cost(coffer, seller, 7, FIRST + timedelta(days=1))
    await cost(coffer, seller, 400, FIRST + timedelta(days=3))
    await cost(coffer, seller, 500, FIRST + timedelta(days=3))
    report = await margin_report(coffer, seller, FIRST, FIRST + timedelta(days=3), "UTC")
    [feature], [category] = report.features, report.categories
    assert (feature.key, feature.units, feature.infrastructure_micros) == ("AI_SUMMARY", 4, 7 + 7 + 500)
    assert (category.key, category.infrastructure_micros) == ("AI", 514)
    assert report.total.warning is MarginWarning.PARTIAL_COST


async def test_a_credit_earned_what_buyers_paid_for_it(coffer: Coffer, seller: Actor) -> None:
    """Paid and refunded purchases count, unpaid ones do not; without any the list price of 10 paise holds."""
    await use(coffer, seller, {FIRST: 100})
    unsold = await margin_report(coffer, seller, FIRST, FIRST, "UTC")
    wallet = await wallet_with(coffer, seller, 0)
    connection = await asyncpg.connect(coffer.database.url)
    for status, amount, credits in [(3, 50_000, 5_500), (5, 15_000, 2_000), (4, 90_000, 9), (1, 90_000, 9)]:
        await connection.execute(PURCHASE, seller.project_id, wallet.id, wallet.uuid, status, amount, credits)
    await connection.close()
    sold = await margin_report(coffer, seller, FIRST, FIRST, "UTC")
    assert unsold.total.revenue_micros == 100 * 100_000
    assert sold.total.revenue_micros == round(100 * 65_000 * 10_000 / 7_500)


async def test_a_feature_that_sells_below_cost_is_named(coffer: Coffer, seller: Actor) -> None:
    """Its price is enough for the warning; others say that their cost is not known."""
    found = await set_unit_costs(coffer, seller, [UnitCost("AI_SUMMARY", 1_000_000, 500_001)], None)
    warnings = {margin.key: margin.warning for margin in found}
    assert warnings["AI_SUMMARY"] is MarginWarning.BELOW_COST
    assert warnings["AI_SEARCH"] is MarginWarning.NO_COST
    assert found == await list_feature_margins(coffer, seller)


async def test_a_cost_of_tomorrow_does_not_hold_today(coffer: Coffer, seller: Actor) -> None:
    """Costs may be set ahead."""
    ahead = coffer.clock().date() + timedelta(days=2)
    found = await set_unit_costs(coffer, seller, [UnitCost("AI_SUMMARY", 5, 0)], ahead)
    assert {margin.infrastructure_micros for margin in found} == {0}


async def test_too_many_changes_in_one_range_are_refused(coffer: Coffer, seller: Actor) -> None:
    """A range with one more day of change than the limit says to ask for fewer days."""
    for number in range(1, MAX_COST_CHANGES + 2):
        await cost(coffer, seller, number, FIRST + timedelta(days=number))
    with pytest.raises(InvalidInput, match="fewer days"):
        await margin_report(coffer, seller, FIRST, FIRST + timedelta(days=60), "UTC")


async def test_a_cost_holds_from_the_morning_in_india(coffer: Coffer, seller: Actor) -> None:
    """In the evening of UTC, a cost of the day that has begun in India is in force, as it is in reports."""
    evening = replace(coffer, clock=lambda: datetime(2026, 3, 1, 20, tzinfo=UTC))
    await cost(evening, seller, 500, date(2026, 3, 2))
    [margin] = [margin for margin in await list_feature_margins(evening, seller) if margin.key == "AI_SUMMARY"]
    assert margin.infrastructure_micros == 500


async def test_a_cost_of_no_real_day_is_refused(coffer: Coffer, seller: Actor) -> None:
    """A day of a year that no clock shows is a slip of the pen."""
    with pytest.raises(InvalidInput, match="effectiveFrom"):
        await cost(coffer, seller, 5, date(26, 3, 1))


async def test_members_do_not_see_margins(coffer: Coffer) -> None:
    """Margins are for owners and admins."""
    member = await owner_of(coffer, role=Role.MEMBER)
    with pytest.raises(AccessDenied):
        await margin_report(coffer, member, None, None, None)
