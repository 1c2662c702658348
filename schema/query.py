"""What callers may ask."""

import strawberry

from resolvers import analytics as analytics_resolvers
from resolvers import operations as operation_resolvers
from resolvers import pricing as price_resolvers
from resolvers import purchases as purchase_resolvers
from resolvers import spending as spending_resolvers
from resolvers import wallets as wallet_resolvers
from schema.pagination import Connection
from schema.types import analytics as analytics_types
from schema.types import operations as operation_types
from schema.types.pricing import FeaturePrice, PricingVersion
from schema.types.purchases import CreditPack, Purchase, PurchaseQuote
from schema.types.spending import SpendEstimate
from schema.types.wallets import Wallet


@strawberry.type
class Query:
    """What callers may ask."""

    wallet: Wallet | None = strawberry.field(resolver=wallet_resolvers.wallet)
    wallets: Connection[Wallet] = strawberry.field(resolver=wallet_resolvers.wallets)
    pricing: list[FeaturePrice] = strawberry.field(resolver=price_resolvers.pricing)
    pricing_versions: Connection[PricingVersion] = strawberry.field(resolver=price_resolvers.pricing_versions)
    estimate: SpendEstimate = strawberry.field(resolver=spending_resolvers.estimate)
    packs: list[CreditPack] = strawberry.field(resolver=purchase_resolvers.packs)
    purchase_quote: PurchaseQuote = strawberry.field(resolver=purchase_resolvers.purchase_quote)
    purchase: Purchase | None = strawberry.field(resolver=purchase_resolvers.purchase)
    purchases: Connection[Purchase] = strawberry.field(resolver=purchase_resolvers.purchases)
    usage_summary: analytics_types.UsageSummary = strawberry.field(resolver=analytics_resolvers.usage_summary)
    usage_breakdown: list[analytics_types.UsageSlice] = strawberry.field(resolver=analytics_resolvers.usage_breakdown)
    usage_forecast: analytics_types.UsageForecast = strawberry.field(resolver=analytics_resolvers.usage_forecast)
    project: operation_types.Project = strawberry.field(resolver=operation_resolvers.project)
    api_keys: Connection[operation_types.ApiKey] = strawberry.field(resolver=operation_resolvers.api_keys)
    jobs: Connection[operation_types.Job] = strawberry.field(resolver=operation_resolvers.jobs)
