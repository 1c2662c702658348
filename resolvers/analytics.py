"""Usage figures."""

from datetime import date
from typing import Annotated, Any

import strawberry

from resolvers.acts import given, is_selected
from schema.context import Info
from schema.enums import GroupBy
from schema.ids import parse_id
from schema.types.analytics import UsageDays
from schema.types.wallets import WalletIdArgument
from services import analytics as service
from services import usage as reports

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
    """Usage of a wallet over a range of days by one key; days are of UTC."""
    words = (parse_id("wal", wallet_id), group_by, (given(from_), given(to)))
    return await service.usage_breakdown(info.context.coffer, info.context.actor, *words)


async def usage_report(
    info: Info,
    wallet_ids: list[strawberry.ID] | None = strawberry.UNSET,
    group_by: list[GroupBy] | None = strawberry.UNSET,
    days: UsageDays | None = strawberry.UNSET,
    compare: bool = False,  # noqa: FBT001, FBT002 - an argument of the query
) -> Any:  # noqa: ANN401 - a report
    """Usage of wallets, or of the whole project, by up to two keys, with the period before beside it on request."""
    wallets, range_ = given(wallet_ids), given(days)
    asked = reports.UsageQuestion(
        None if wallets is None else [parse_id("wal", wallet) for wallet in wallets],
        given(group_by) or (),
        given(range_.from_) if range_ else None,
        given(range_.to) if range_ else None,
        given(range_.time_zone) if range_ else None,
        compare,
        is_selected(info, "metrics"),
    )
    return await reports.usage_report(info.context.coffer, info.context.actor, asked)
