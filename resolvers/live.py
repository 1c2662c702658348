"""Live streams."""

from collections.abc import AsyncGenerator
from typing import Any

import strawberry

from resolvers.acts import given, is_selected
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.ids import parse_id
from schema.scalars import BigInt
from schema.types.analytics import UsageReport
from schema.types.purchases import Purchase
from schema.types.wallets import LowBalanceAlert, RapidBurnAlert, WalletUpdate
from services import watching as service
from services.permits import while_allowed
from services.usage_feed import watch_usage


def allowed(info: Info, stream: Any) -> AsyncGenerator[Any, None]:  # noqa: ANN401 - any stream
    """The stream for as long as its caller may have it."""
    context = info.context
    return while_allowed(context.coffer, context.actor, context.expires_at, stream)


def wallet_updated(
    info: Info, wallet_id: strawberry.ID, after: BigInt | None = strawberry.UNSET
) -> AsyncGenerator[WalletUpdate, None]:
    """The wallet now, then each change; with `after`, first every transaction above that sequence."""
    wallet = parse_id("wal", wallet_id)
    words = (info.context.coffer, info.context.actor, wallet, given(after))
    stream: Any = service.watch_wallet(*words, rows=is_selected(info, "transactions"))
    return allowed(info, stream)


def usage_updated(
    info: Info, wallet_id: strawberry.ID, time_zone: str | None = strawberry.UNSET
) -> AsyncGenerator[UsageReport, None]:
    """Today's usage of the wallet by feature, then as it changes, at most once a second, and each new day."""
    wallet = parse_id("wal", wallet_id)
    return allowed(info, watch_usage(info.context.coffer, info.context.actor, wallet, given(time_zone)))


def low_balance(
    info: Info, wallet_id: strawberry.ID | None = strawberry.UNSET
) -> AsyncGenerator[LowBalanceAlert, None]:
    """Each dip of one wallet, or of every wallet of the project, below its threshold."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    return allowed(info, service.watch_low_balance(*words))


def rapid_burn(info: Info, wallet_id: strawberry.ID | None = strawberry.UNSET) -> AsyncGenerator[RapidBurnAlert, None]:
    """Each episode of rapid burn of one wallet, or of every wallet of the project."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    return allowed(info, service.watch_rapid_burn(*words))


def purchase_updated(info: Info, id: strawberry.ID) -> AsyncGenerator[Purchase, None]:
    """The purchase now, then each change of it."""
    return allowed(info, service.watch_purchase(info.context.coffer, info.context.actor, parse_id("pur", id)))
