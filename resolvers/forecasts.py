"""Forecasts of usage."""

from collections.abc import AsyncGenerator
from datetime import date
from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.acts import given, refusable
from resolvers.live import allowed
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.enums import UsageCategory
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import forecasts as types
from schema.types.wallets import WalletIdArgument
from services import forecasts as service
from services import runways as runway_service

Category = Annotated[UsageCategory | None, strawberry.argument(description="Usage of one category; default all of it.")]
Month = Annotated[date | None, strawberry.argument(description="Any day of the month (UTC); default last month.")]


async def usage_forecast(
    info: Info,
    wallet_id: WalletIdArgument,
    horizon_days: int | None = 30,
    category: Category = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a forecast
    """What the wallet is expected to spend."""
    days = 30 if horizon_days is None else horizon_days
    words = (parse_id("wal", wallet_id), days, given(category))
    return await service.usage_forecast(info.context.coffer, info.context.actor, *words)


async def forecast_accuracy(
    info: Info, wallet_id: WalletIdArgument, category: Category = strawberry.UNSET, month: Month = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a comparison
    """A month's first forecast beside what happened; null when none was made in it."""
    words = (parse_id("wal", wallet_id), given(category), given(month))
    return await service.forecast_accuracy(info.context.coffer, info.context.actor, *words)


async def runway_alerts(
    info: Info, first: First = 50, after: After = strawberry.UNSET, wallet_id: strawberry.ID | None = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Wallets that were going to run out soon, newest first, or one wallet's alerts."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    return await connection(first, after, partial(runway_service.list_runway_alerts, *words))


@refusable(types.RunwayAlertPayload)
async def set_runway_alert(info: Info, input: types.RunwayAlertInput) -> types.RunwayAlertPayload:
    """Say under how many days of likely runway you want to be told (owner, admin)."""
    words = (parse_id("wal", input.wallet_id), given(input.days))
    days: Any = await runway_service.set_runway_alert(info.context.coffer, info.context.actor, *words)
    return types.RunwayAlertPayload(days=days, errors=[])


def runway_alert(
    info: Info, wallet_id: strawberry.ID | None = strawberry.UNSET
) -> AsyncGenerator[types.RunwayAlert, None]:
    """Each time that one wallet, or any of the project, is going to run out soon."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    return allowed(info, runway_service.watch_runway_alerts(*words))
