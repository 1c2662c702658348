"""Usage figures."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.analytics import TOP_FEATURES
from resolvers.acts import given, is_selected
from schema.context import Info
from schema.enums import GroupBy, UsageCategory
from schema.ids import parse_id
from schema.pagination import First
from schema.types.analytics import UsageDays
from schema.types.wallets import WalletIdArgument
from services import analytics as service
from services import usage as reports

From = Annotated[date | None, strawberry.argument(name="from", description="First day; default 30 days ago.")]
To = Annotated[date | None, strawberry.argument(name="to", description="Last day, inclusive; default today.")]
WalletIds = list[strawberry.ID] | None
Category = Annotated[UsageCategory | None, strawberry.argument(description="Usage of one category; default all of it.")]
Period = Annotated[GroupBy, strawberry.argument(description="DAY, WEEK or MONTH.")]


async def usage_summary(
    info: Info,
    wallet_id: WalletIdArgument,
    from_: From = strawberry.UNSET,
    to: To = strawberry.UNSET,
    time_zone: str | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a summary
    """Usage of a wallet over a range of days."""
    days = (given(from_), given(to), given(time_zone))
    return await service.usage_summary(info.context.coffer, info.context.actor, parse_id("wal", wallet_id), days)


async def usage_breakdown(
    info: Info,
    wallet_id: WalletIdArgument,
    group_by: GroupBy,
    from_: From = strawberry.UNSET,
    to: To = strawberry.UNSET,
    time_zone: str | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - slices
    """Usage of a wallet over a range of days by one key."""
    words = (parse_id("wal", wallet_id), group_by, (given(from_), given(to), given(time_zone)))
    return await service.usage_breakdown(info.context.coffer, info.context.actor, *words)


async def usage_report(
    info: Info,
    wallet_ids: WalletIds = strawberry.UNSET,
    group_by: list[GroupBy] | None = strawberry.UNSET,
    days: UsageDays | None = strawberry.UNSET,
    category: Category = strawberry.UNSET,
    compare: bool = False,  # noqa: FBT001, FBT002 - an argument of the query
) -> Any:  # noqa: ANN401 - a report
    """Usage of wallets, or of the whole project, by up to two keys, with the period before beside it on request."""
    keyed = replace(_asked(wallet_ids, days), group_by=given(group_by) or (), category=given(category))
    asked = replace(keyed, compare=compare, metrics=is_selected(info, "metrics"))
    return await reports.usage_report(info.context.coffer, info.context.actor, asked)


async def burn_rate(
    info: Info, wallet_ids: WalletIds = strawberry.UNSET, time_zone: str | None = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a burn rate
    """How fast wallets, or the whole project, use credits."""
    words = (info.context.coffer, info.context.actor, _wallets(wallet_ids), given(time_zone))
    return await service.usage_burn_rate(*words)


async def month_to_date(
    info: Info, wallet_ids: WalletIds = strawberry.UNSET, time_zone: str | None = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a month
    """This month's usage of wallets, or of the whole project, beside last month's."""
    words = (info.context.coffer, info.context.actor, _wallets(wallet_ids), given(time_zone))
    return await service.usage_month_to_date(*words)


async def top_features(
    info: Info,
    wallet_ids: WalletIds = strawberry.UNSET,
    days: UsageDays | None = strawberry.UNSET,
    first: First = TOP_FEATURES,
) -> Any:  # noqa: ANN401 - slices
    """The features that cost most, with what they cost in as many days before."""
    count = TOP_FEATURES if first is None else first
    return await service.top_features(info.context.coffer, info.context.actor, _asked(wallet_ids, days), count)


async def storage_growth(
    info: Info,
    wallet_ids: WalletIds = strawberry.UNSET,
    days: UsageDays | None = strawberry.UNSET,
    by: Period = GroupBy.MONTH,
) -> Any:  # noqa: ANN401 - growth
    """Storage bought by wallets, or by the whole project, over time."""
    asked = replace(_asked(wallet_ids, days), group_by=(by,))
    return await service.storage_growth(info.context.coffer, info.context.actor, asked)


def _asked(wallet_ids: list[strawberry.ID] | None, days: UsageDays | None) -> reports.UsageQuestion:
    range_ = given(days)
    words = (given(range_.from_), given(range_.to), given(range_.time_zone)) if range_ else (None, None, None)
    return reports.UsageQuestion(_wallets(wallet_ids), (), *words)


def _wallets(wallet_ids: list[strawberry.ID] | None) -> list[UUID | None] | None:
    named = given(wallet_ids)
    return None if named is None else [parse_id("wal", wallet) for wallet in named]
