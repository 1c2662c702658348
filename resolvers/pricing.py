"""Prices."""

from functools import partial
from typing import Any

import strawberry

from domain.pricing import Price
from resolvers.acts import given, refusable
from schema.context import Info
from schema.pagination import After, First, connection
from schema.types import pricing as types
from services import pricing as service


async def pricing(info: Info) -> Any:  # noqa: ANN401 - rows
    """The prices in force."""
    return await service.list_prices(info.context.coffer, info.context.actor)


async def pricing_versions(info: Info, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """Every published version, newest first."""
    read = partial(service.list_price_versions, info.context.coffer, info.context.actor)
    return await connection(first, after, read, key="version")


@refusable(types.PublishPricingPayload)
async def publish_pricing(info: Info, input: types.PublishPricingInput) -> types.PublishPricingPayload:
    """Put a new pricing matrix in force, at once for new spends (owner, admin)."""
    prices = [Price(price.feature, price.category, price.credits) for price in input.prices]
    note = given(input.note)
    row: Any = await service.publish_prices(info.context.coffer, info.context.actor, prices, note)
    return types.PublishPricingPayload(version=row, errors=[])
