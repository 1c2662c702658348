"""Margins."""

from typing import Any

import strawberry

from domain.margins import UnitCost
from resolvers.acts import given, refusable
from schema.context import Info
from schema.types import margins as types
from schema.types.analytics import UsageDays
from services import margins as service


async def feature_margins(info: Info) -> Any:  # noqa: ANN401 - margins
    """What one unit of each priced feature earns and costs today, most revenue first (owner, admin)."""
    return await service.list_feature_margins(info.context.coffer, info.context.actor)


async def margin_report(info: Info, days: UsageDays | None = strawberry.UNSET) -> Any:  # noqa: ANN401 - a report
    """What usage earned and what it cost, by feature and category (owner, admin)."""
    range_ = given(days) or UsageDays()
    words = (given(range_.from_), given(range_.to), given(range_.time_zone))
    return await service.margin_report(info.context.coffer, info.context.actor, *words)


@refusable(types.SetUnitCostsPayload)
async def set_unit_costs(info: Info, input: types.SetUnitCostsInput) -> types.SetUnitCostsPayload:
    """Say what units of features cost to provide (owner, admin)."""
    costs = [UnitCost(cost.feature, cost.infrastructure_micros, given(cost.other_micros) or 0) for cost in input.costs]
    day = given(input.effective_from)
    found: Any = await service.set_unit_costs(info.context.coffer, info.context.actor, costs, day)
    return types.SetUnitCostsPayload(margins=found, errors=[])
