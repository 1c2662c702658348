"""Margins: unit costs, and what usage earned beside what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db import margins as queries
from db import pricing
from domain.analytics import GroupBy, check_day, day_range
from domain.errors import InvalidInput
from domain.margins import CreditPrice, Margin, Sold, UnitCost, check_costs, margin_of, margins
from domain.permissions import Actor, Permission
from domain.purchases import MINOR_PER_CREDIT
from domain.usage import checked_zone
from services.usage import UsageQuestion, usage_report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from db.database import Session
    from db.models.margins import FeatureCost
    from domain.usage import UsageRow
    from services.coffer import Coffer

MAX_COST_CHANGES: Final = 24
"""Days on which costs change inside one report; each is a report of usage of its own."""

LIST_PRICE: Final = CreditPrice(MINOR_PER_CREDIT, 1)
"""The price of a credit while nobody has bought one."""


@dataclass(frozen=True, slots=True)
class MarginReport:
    """Margins over a range of days of a time zone; `credit_price_micros` is what a credit earned."""

    from_day: date
    to_day: date
    time_zone: str
    credit_price_micros: int
    total: Margin
    features: Sequence[Margin]
    categories: Sequence[Margin]


async def set_unit_costs(
    coffer: Coffer, actor: Actor, costs: Sequence[UnitCost], effective_from: date | None
) -> list[Margin]:
    """Say what units cost from a day on, today by default, and return every feature's margin. InvalidInput."""
    actor.require(Permission.ANALYSE)
    check_day(effective_from, "effectiveFrom")
    day = effective_from or _today(coffer)
    async with coffer.database.transaction() as session:
        check_costs(costs, {price.feature: price for price in await pricing.current(session, actor.project_id)})
        words = {"project_id": actor.project_id, "effective_from": day, "set_by": actor.api_key_id}
        await queries.set_costs(session, [words | cost._asdict() for cost in costs])
    return await list_feature_margins(coffer, actor)


async def list_feature_margins(coffer: Coffer, actor: Actor) -> list[Margin]:
    """What one unit of each priced feature earns and costs today, by the price in force."""
    actor.require(Permission.ANALYSE)
    async with coffer.database.reading() as session:
        prices = await pricing.current(session, actor.project_id)
        costs = await _costs(session, actor, _today(coffer))
        price = await queries.credit_price(session, actor.project_id) or LIST_PRICE
    units = [Sold(row.feature, row.credits, 1, costs.get(row.feature)) for row in prices]
    return margins(units, price)


async def margin_report(
    coffer: Coffer, actor: Actor, from_day: date | None, to_day: date | None, time_zone: str | None
) -> MarginReport:
    """What usage earned and cost over a range of days, by default the last 30. InvalidInput."""
    actor.require(Permission.ANALYSE)
    zone = checked_zone(time_zone)
    start, end = day_range(from_day, to_day, coffer.clock().astimezone(zone).date())
    async with coffer.database.reading() as session:
        price = await queries.credit_price(session, actor.project_id) or LIST_PRICE
        changes = await queries.changes(session, actor.project_id, start, end, MAX_COST_CHANGES + 1)
        if len(changes) > MAX_COST_CHANGES:
            message = f"Costs change on more than {MAX_COST_CHANGES} days of that range: ask for fewer days."
            raise InvalidInput(message, field=["days"])
        days = [start, *changes]
        costs = [await _costs(session, actor, day) for day in days]
    features: list[Sold] = []
    categories: list[Sold] = []
    for first, after, book in zip(days, [*changes, end + timedelta(days=1)], costs, strict=True):
        keys = (GroupBy.FEATURE, GroupBy.CATEGORY)
        asked = UsageQuestion(None, keys, first, after - timedelta(days=1), zone.key)
        for row in (await usage_report(coffer, actor, asked)).slices:
            features.append(_sold(row, 0, book))
            categories.append(_sold(row, 1, book))
    total = margin_of("TOTAL", features, price)
    words = (start, end, zone.key, price.micros(1), total)
    return MarginReport(*words, margins(features, price), margins(categories, price))


def _today(coffer: Coffer) -> date:
    """The day of DEFAULT_TIME_ZONE, as that of a report that names no other."""
    return coffer.clock().astimezone(checked_zone(None)).date()


def _sold(row: UsageRow, key: int, costs: Mapping[str, UnitCost]) -> Sold:
    return Sold(row.keys[key], row.credits, row.units, costs.get(row.keys[0]))


async def _costs(session: Session, actor: Actor, day: date) -> dict[str, UnitCost]:
    found = await queries.costs_on(session, actor.project_id, day)
    return {feature: _unit_cost(row) for feature, row in found.items()}


def _unit_cost(row: FeatureCost) -> UnitCost:
    return UnitCost(row.feature, row.infrastructure_micros, row.other_micros)
