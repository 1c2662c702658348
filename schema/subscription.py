"""What callers may watch."""

from collections.abc import AsyncGenerator

import strawberry

from resolvers import forecasts, live, recharges, subscriptions
from schema.types.analytics import UsageReport
from schema.types.forecasts import RunwayAlert
from schema.types.purchases import Purchase
from schema.types.recharges import AutoRecharge
from schema.types.subscriptions import CreditSubscription
from schema.types.wallets import LowBalanceAlert, RapidBurnAlert, WalletUpdate


@strawberry.type
class Subscription:
    """What callers may watch."""

    wallet_updated: AsyncGenerator[WalletUpdate, None] = strawberry.subscription(resolver=live.wallet_updated)
    usage_updated: AsyncGenerator[UsageReport, None] = strawberry.subscription(resolver=live.usage_updated)
    low_balance: AsyncGenerator[LowBalanceAlert, None] = strawberry.subscription(resolver=live.low_balance)
    rapid_burn: AsyncGenerator[RapidBurnAlert, None] = strawberry.subscription(resolver=live.rapid_burn)
    purchase_updated: AsyncGenerator[Purchase, None] = strawberry.subscription(resolver=live.purchase_updated)
    auto_recharge_updated: AsyncGenerator[AutoRecharge, None] = strawberry.subscription(
        resolver=recharges.auto_recharge_updated
    )
    credit_subscription_updated: AsyncGenerator[CreditSubscription, None] = strawberry.subscription(
        resolver=subscriptions.credit_subscription_updated
    )
    runway_alert: AsyncGenerator[RunwayAlert, None] = strawberry.subscription(resolver=forecasts.runway_alert)
