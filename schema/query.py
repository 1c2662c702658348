"""What callers may ask."""

import strawberry

from resolvers import analytics as analytics_resolvers
from resolvers import books as book_resolvers
from resolvers import caps as cap_resolvers
from resolvers import forecasts as forecast_resolvers
from resolvers import fraud as fraud_resolvers
from resolvers import holds as hold_resolvers
from resolvers import invoices as invoice_resolvers
from resolvers import ledger as ledger_resolvers
from resolvers import margins as margin_resolvers
from resolvers import nodes as node_resolvers
from resolvers import notifications as notification_resolvers
from resolvers import operations as operation_resolvers
from resolvers import payments as payment_resolvers
from resolvers import payouts as payout_resolvers
from resolvers import pricing as price_resolvers
from resolvers import purchases as purchase_resolvers
from resolvers import recharges as recharge_resolvers
from resolvers import recording as recording_resolvers
from resolvers import refunds as refund_resolvers
from resolvers import spending as spending_resolvers
from resolvers import splits as split_resolvers
from resolvers import subscriptions as subscription_resolvers
from resolvers import totals as total_resolvers
from resolvers import wallets as wallet_resolvers
from resolvers import webhooks as webhook_resolvers
from schema.pagination import Connection
from schema.types import analytics as analytics_types
from schema.types import forecasts as forecast_types
from schema.types import ledger as ledger_types
from schema.types import margins as margin_types
from schema.types import operations as operation_types
from schema.types import payments as payment_types
from schema.types import recording as recording_types
from schema.types import refunds as refund_types
from schema.types.books import MoneyBalance, MoneyEntry
from schema.types.caps import Cap, SpendQuote
from schema.types.fraud import FraudEvent
from schema.types.holds import Hold, Payout
from schema.types.invoices import BillingDetails, Invoice, SellerDetails
from schema.types.nodes import Node
from schema.types.notifications import NotificationPreferences
from schema.types.payouts import Beneficiary, PayoutTransfer
from schema.types.pricing import FeaturePrice, PricingVersion
from schema.types.purchases import CreditPack, Purchase, PurchaseQuote
from schema.types.recharges import AutoRecharge, SavedMethod
from schema.types.spending import SpendEstimate
from schema.types.splits import PurchaseSplit, Vendor
from schema.types.subscriptions import CreditSubscription
from schema.types.totals import GatewayDay
from schema.types.wallets import RapidBurnAlert, Wallet
from schema.types.webhooks import WebhookEvent


@strawberry.type
class Query:
    """What callers may ask."""

    node: Node | None = strawberry.field(resolver=node_resolvers.node)
    nodes: list[Node | None] = strawberry.field(resolver=node_resolvers.nodes)
    wallet: Wallet | None = strawberry.field(resolver=wallet_resolvers.wallet)
    wallets: Connection[Wallet] = strawberry.field(resolver=wallet_resolvers.wallets)
    pricing: list[FeaturePrice] = strawberry.field(resolver=price_resolvers.pricing)
    pricing_versions: Connection[PricingVersion] = strawberry.field(resolver=price_resolvers.pricing_versions)
    estimate: SpendEstimate = strawberry.field(resolver=spending_resolvers.estimate)
    quote_spend: SpendQuote = strawberry.field(resolver=cap_resolvers.quote_spend)
    caps: list[Cap] = strawberry.field(resolver=cap_resolvers.caps)
    holds: Connection[Hold] = strawberry.field(resolver=hold_resolvers.holds)
    payouts: Connection[Payout] = strawberry.field(resolver=hold_resolvers.payouts)
    beneficiaries: Connection[Beneficiary] = strawberry.field(resolver=payout_resolvers.beneficiaries)
    payout_transfers: Connection[PayoutTransfer] = strawberry.field(resolver=payout_resolvers.payout_transfers)
    vendors: Connection[Vendor] = strawberry.field(resolver=split_resolvers.vendors)
    purchase_splits: Connection[PurchaseSplit] = strawberry.field(resolver=split_resolvers.purchase_splits)
    lots: Connection[ledger_types.Lot] = strawberry.field(resolver=ledger_resolvers.lots)
    allocations: list[ledger_types.Allocation] = strawberry.field(resolver=ledger_resolvers.allocations)
    explain_balance: ledger_types.BalanceExplanation = strawberry.field(resolver=ledger_resolvers.explain_balance)
    trial_balance: list[ledger_types.AccountBalance] = strawberry.field(resolver=ledger_resolvers.trial_balance)
    gifts: Connection[ledger_types.Gift] = strawberry.field(resolver=ledger_resolvers.list_gifts)
    burn_alerts: Connection[RapidBurnAlert] = strawberry.field(resolver=ledger_resolvers.burn_alerts)
    packs: list[CreditPack] = strawberry.field(resolver=purchase_resolvers.packs)
    purchase_quote: PurchaseQuote = strawberry.field(resolver=purchase_resolvers.purchase_quote)
    gateways: list[str] = strawberry.field(resolver=purchase_resolvers.gateways)
    purchase: Purchase | None = strawberry.field(resolver=purchase_resolvers.purchase)
    purchases: Connection[Purchase] = strawberry.field(resolver=purchase_resolvers.purchases)
    subscription: CreditSubscription | None = strawberry.field(resolver=subscription_resolvers.subscription)
    subscriptions: Connection[CreditSubscription] = strawberry.field(resolver=subscription_resolvers.subscriptions)
    seller_details: SellerDetails | None = strawberry.field(resolver=invoice_resolvers.seller_details)
    billing_details: BillingDetails | None = strawberry.field(resolver=invoice_resolvers.billing_details)
    invoice: Invoice | None = strawberry.field(resolver=invoice_resolvers.invoice)
    invoices: Connection[Invoice] = strawberry.field(resolver=invoice_resolvers.invoices)
    notification_preferences: NotificationPreferences | None = strawberry.field(
        resolver=notification_resolvers.notification_preferences
    )
    money_accounts: list[MoneyBalance] = strawberry.field(resolver=book_resolvers.money_accounts)
    money_entries: Connection[MoneyEntry] = strawberry.field(resolver=book_resolvers.money_entries)
    gateway_days: Connection[GatewayDay] = strawberry.field(resolver=total_resolvers.gateway_days)
    refunds: Connection[refund_types.Refund] = strawberry.field(resolver=refund_resolvers.refunds)
    disputes: Connection[refund_types.Dispute] = strawberry.field(resolver=refund_resolvers.disputes)
    metrics: list[recording_types.Metric] = strawberry.field(resolver=recording_resolvers.list_metrics)
    usage_events: Connection[recording_types.UsageEvent] = strawberry.field(resolver=recording_resolvers.usage_events)
    saved_methods: Connection[SavedMethod] = strawberry.field(resolver=recharge_resolvers.saved_methods)
    auto_recharge: AutoRecharge | None = strawberry.field(resolver=recharge_resolvers.auto_recharge)
    fraud_events: Connection[FraudEvent] = strawberry.field(resolver=fraud_resolvers.fraud_events)
    usage_summary: analytics_types.UsageSummary = strawberry.field(resolver=analytics_resolvers.usage_summary)
    usage_breakdown: list[analytics_types.UsageSlice] = strawberry.field(resolver=analytics_resolvers.usage_breakdown)
    usage_report: analytics_types.UsageReport = strawberry.field(resolver=analytics_resolvers.usage_report)
    feature_margins: list[margin_types.Margin] = strawberry.field(resolver=margin_resolvers.feature_margins)
    margin_report: margin_types.MarginReport = strawberry.field(resolver=margin_resolvers.margin_report)
    payment_report: payment_types.PaymentReport = strawberry.field(resolver=payment_resolvers.payment_report)
    queue_lag: list[payment_types.QueueLag] = strawberry.field(resolver=payment_resolvers.queue_lag)
    burn_rate: analytics_types.BurnRate = strawberry.field(resolver=analytics_resolvers.burn_rate)
    month_to_date: analytics_types.MonthToDate = strawberry.field(resolver=analytics_resolvers.month_to_date)
    top_features: list[analytics_types.UsageReportSlice] = strawberry.field(resolver=analytics_resolvers.top_features)
    storage_growth: analytics_types.StorageGrowth = strawberry.field(resolver=analytics_resolvers.storage_growth)
    usage_forecast: forecast_types.UsageForecast = strawberry.field(resolver=forecast_resolvers.usage_forecast)
    forecast_accuracy: forecast_types.ForecastAccuracy | None = strawberry.field(
        resolver=forecast_resolvers.forecast_accuracy
    )
    runway_alerts: Connection[forecast_types.RunwayAlert] = strawberry.field(resolver=forecast_resolvers.runway_alerts)
    project: operation_types.Project = strawberry.field(resolver=operation_resolvers.project)
    api_keys: Connection[operation_types.ApiKey] = strawberry.field(resolver=operation_resolvers.api_keys)
    jobs: Connection[operation_types.Job] = strawberry.field(resolver=operation_resolvers.jobs)
    webhook_events: Connection[WebhookEvent] = strawberry.field(resolver=webhook_resolvers.webhook_events)
