"""Usage figures."""

from datetime import date
from typing import Annotated, Any

import strawberry

from resolvers.acts import given
from schema.context import Info
from schema.enums import GroupBy
from schema.ids import parse_id
from schema.types.wallets import WalletIdArgument
from services import analytics as service

From = Annotated[date | None, strawberry.argument(name="from", description="First day (UTC); default 30 days ago.")]
To = Annotated[date | None, strawberry.argument(name="to", description="Last day (UTC), inclusive; default today.")]


async def usage_summary(
    info: Info, wallet_id: WalletIdArgument, from_: From = strawberry.UNSET, to: To = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a summary
    """Usage of a wallet over a range of days."""
    words = (parse_id("wal", wallet_id), given(from_), given(to))
    return await service.usage_summary(info.context.coffer, info.context.actor, *words)


async def usage_breakdown(
    info: Info,
    wallet_id: WalletIdArgument,
    group_by: GroupBy,
    from_: From = strawberry.UNSET,
    to: To = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - slices
    """Usage of a wallet over a range of days by feature, category, member or day."""
    words = (parse_id("wal", wallet_id), group_by, (given(from_), given(to)))
    return await service.usage_breakdown(info.context.coffer, info.context.actor, *words)
