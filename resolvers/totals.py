"""Days whose books were compared with what providers list."""

from datetime import date
from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.pagination import After, First, connection
from schema.types import totals as types
from services import totals as service

OfGateway = Annotated[str | None, strawberry.argument(description="Only of this payment provider.")]
OnlyDiffering = Annotated[bool, strawberry.argument(description="Only days with a difference.")]
Gateway = Annotated[str, strawberry.argument(description="One of `gateways`.")]
Day = Annotated[date, strawberry.argument(description="One of the last 90 days that are over, in UTC.")]


async def gateway_days(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    gateway: OfGateway = strawberry.UNSET,
    only_differing: OnlyDiffering = False,  # noqa: FBT002 - of GraphQL
) -> Any:  # noqa: ANN401 - a connection
    """Days on which the books were compared with what payment providers list, newest first (owner)."""
    words = (info.context.coffer, info.context.actor, given(gateway))
    return await connection(first, after, partial(service.list_days, *words, only_differing=only_differing))


@refusable(types.CheckGatewayDayPayload)
async def check_gateway_day(info: Info, gateway: Gateway, day: Day) -> types.CheckGatewayDayPayload:
    """Compare a day again, in the background; `gatewayDays` tells what came of it (owner)."""
    row: Any = await service.ask_for_check(info.context.coffer, info.context.actor, gateway, day)
    return types.CheckGatewayDayPayload(gateway_day=row, errors=[])
