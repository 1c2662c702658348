"""What callers may do."""

import strawberry

from resolvers import caps as cap_resolvers
from resolvers import forecasts as forecast_resolvers
from resolvers import fraud as fraud_resolvers
from resolvers import holds as hold_resolvers
from resolvers import invoices as invoice_resolvers
from resolvers import ledger as ledger_resolvers
from resolvers import margins as margin_resolvers
from resolvers import notifications as notification_resolvers
from resolvers import operations as operation_resolvers
from resolvers import payouts as payout_resolvers
from resolvers import pricing as price_resolvers
from resolvers import purchases as purchase_resolvers
from resolvers import recharges as recharge_resolvers
from resolvers import recording as recording_resolvers
from resolvers import spending as spending_resolvers
from resolvers import splits as split_resolvers
from resolvers import subscriptions as subscription_resolvers
from resolvers import totals as total_resolvers
from resolvers import wallets as wallet_resolvers
from resolvers import webhooks as webhook_resolvers
from schema.types import forecasts as forecast_types
from schema.types import ledger as ledger_types
from schema.types import margins as margin_types
from schema.types import operations as operation_types
from schema.types import recording as recording_types
from schema.types.caps import RemoveCapPayload, SetCapPayload
from schema.types.fraud import FraudEventPayload
from schema.types.holds import HoldPayload, PayoutPayload
from schema.types.invoices import BillingDetailsPayload, InvoicePayload, SellerDetailsPayload
from schema.types.notifications import NotificationPreferencesPayload
from schema.types.payouts import BeneficiaryPayload, RequestPayoutPayload
from schema.types.pricing import PublishPricingPayload
from schema.types.purchases import PurchasePayload
from schema.types.recharges import AutoRechargePayload, SavedMethodPayload
from schema.types.spending import ConsumeBatchPayload, ConsumePayload, GrantPayload
from schema.types.splits import SplitPurchasePayload, VendorPayload
from schema.types.subscriptions import SubscriptionPayload
from schema.types.totals import CheckGatewayDayPayload
from schema.types.wallets import CreateWalletPayload, UpdateWalletPayload
from schema.types.webhooks import ReplayWebhookPayload


@strawberry.type
class Mutation:
    """What callers may do."""

    create_wallet: CreateWalletPayload = strawberry.mutation(resolver=wallet_resolvers.create_wallet)
    update_wallet: UpdateWalletPayload = strawberry.mutation(resolver=wallet_resolvers.update_wallet)
    consume: ConsumePayload = strawberry.mutation(resolver=spending_resolvers.consume)
    consume_batch: ConsumeBatchPayload = strawberry.mutation(resolver=spending_resolvers.consume_batch)
    hold: HoldPayload = strawberry.mutation(resolver=hold_resolvers.hold)
    hold_feature: HoldPayload = strawberry.mutation(resolver=hold_resolvers.hold_feature)
    capture_hold: HoldPayload = strawberry.mutation(resolver=hold_resolvers.capture_hold)
    capture_units: HoldPayload = strawberry.mutation(resolver=hold_resolvers.capture_units)
    release_hold: HoldPayload = strawberry.mutation(resolver=hold_resolvers.release_hold)
    hold_payout: PayoutPayload = strawberry.mutation(resolver=hold_resolvers.hold_payout)
    release_payout: PayoutPayload = strawberry.mutation(resolver=hold_resolvers.release_payout)
    complete_payout: PayoutPayload = strawberry.mutation(resolver=hold_resolvers.complete_payout)
    create_vendor: VendorPayload = strawberry.mutation(resolver=split_resolvers.create_vendor)
    update_vendor: VendorPayload = strawberry.mutation(resolver=split_resolvers.update_vendor)
    split_purchase: SplitPurchasePayload = strawberry.mutation(resolver=split_resolvers.split_purchase)
    create_beneficiary: BeneficiaryPayload = strawberry.mutation(resolver=payout_resolvers.create_beneficiary)
    remove_beneficiary: BeneficiaryPayload = strawberry.mutation(resolver=payout_resolvers.remove_beneficiary)
    request_payout: RequestPayoutPayload = strawberry.mutation(resolver=payout_resolvers.request_payout)
    transfer_credits: ledger_types.TransferPayload = strawberry.mutation(resolver=ledger_resolvers.transfer_credits)
    send_gift: ledger_types.GiftPayload = strawberry.mutation(resolver=ledger_resolvers.send_gift)
    claim_gift: ledger_types.GiftPayload = strawberry.mutation(resolver=ledger_resolvers.claim_gift)
    revoke_gift: ledger_types.GiftPayload = strawberry.mutation(resolver=ledger_resolvers.revoke_gift)
    freeze_wallet: ledger_types.FreezePayload = strawberry.mutation(resolver=ledger_resolvers.freeze_wallet)
    unfreeze_wallet: ledger_types.FreezePayload = strawberry.mutation(resolver=ledger_resolvers.unfreeze_wallet)
    set_cap: SetCapPayload = strawberry.mutation(resolver=cap_resolvers.set_cap)
    remove_cap: RemoveCapPayload = strawberry.mutation(resolver=cap_resolvers.remove_cap)
    purchase_credits: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.purchase_credits)
    retry_purchase: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.retry_purchase)
    refund_purchase: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.refund_purchase)
    start_subscription: SubscriptionPayload = strawberry.mutation(resolver=subscription_resolvers.start_subscription)
    cancel_subscription: SubscriptionPayload = strawberry.mutation(resolver=subscription_resolvers.cancel_subscription)
    set_seller_details: SellerDetailsPayload = strawberry.mutation(resolver=invoice_resolvers.set_seller_details)
    set_billing_details: BillingDetailsPayload = strawberry.mutation(resolver=invoice_resolvers.set_billing_details)
    issue_invoice: InvoicePayload = strawberry.mutation(resolver=invoice_resolvers.issue_invoice)
    set_notification_preferences: NotificationPreferencesPayload = strawberry.mutation(
        resolver=notification_resolvers.set_notification_preferences
    )
    enable_auto_recharge: AutoRechargePayload = strawberry.mutation(resolver=recharge_resolvers.enable_auto_recharge)
    disable_auto_recharge: AutoRechargePayload = strawberry.mutation(resolver=recharge_resolvers.disable_auto_recharge)
    create_mandate: SavedMethodPayload = strawberry.mutation(resolver=recharge_resolvers.create_mandate)
    remove_saved_method: SavedMethodPayload = strawberry.mutation(resolver=recharge_resolvers.remove_saved_method)
    approve_fraud: FraudEventPayload = strawberry.mutation(resolver=fraud_resolvers.approve_fraud)
    reject_fraud: FraudEventPayload = strawberry.mutation(resolver=fraud_resolvers.reject_fraud)
    grant_credits: GrantPayload = strawberry.mutation(resolver=spending_resolvers.grant_credits)
    adjust_credits: GrantPayload = strawberry.mutation(resolver=spending_resolvers.adjust_credits)
    publish_pricing: PublishPricingPayload = strawberry.mutation(resolver=price_resolvers.publish_pricing)
    set_unit_costs: margin_types.SetUnitCostsPayload = strawberry.mutation(resolver=margin_resolvers.set_unit_costs)
    define_metric: recording_types.MetricPayload = strawberry.mutation(resolver=recording_resolvers.define_metric)
    archive_metric: recording_types.MetricPayload = strawberry.mutation(resolver=recording_resolvers.archive_metric)
    record_usage: recording_types.RecordUsagePayload = strawberry.mutation(resolver=recording_resolvers.record_usage)
    record_usage_batch: recording_types.RecordUsageBatchPayload = strawberry.mutation(
        resolver=recording_resolvers.record_usage_batch
    )
    charge_usage: recording_types.ChargeUsagePayload = strawberry.mutation(resolver=recording_resolvers.charge_usage)
    charge_usage_batch: recording_types.ChargeUsageBatchPayload = strawberry.mutation(
        resolver=recording_resolvers.charge_usage_batch
    )
    create_api_key: operation_types.CreateApiKeyPayload = strawberry.mutation(
        resolver=operation_resolvers.create_api_key
    )
    revoke_api_key: operation_types.RevokeApiKeyPayload = strawberry.mutation(
        resolver=operation_resolvers.revoke_api_key
    )
    replay_job: operation_types.ReplayJobPayload = strawberry.mutation(resolver=operation_resolvers.replay_job)
    check_gateway_day: CheckGatewayDayPayload = strawberry.mutation(resolver=total_resolvers.check_gateway_day)
    replay_webhook: ReplayWebhookPayload = strawberry.mutation(resolver=webhook_resolvers.replay_webhook)
    set_runway_alert: forecast_types.RunwayAlertPayload = strawberry.mutation(
        resolver=forecast_resolvers.set_runway_alert
    )
