"""The domain's enums, published."""

from domain import (
    analytics,
    books,
    caps,
    fraud,
    gifts,
    gst,
    holds,
    jobs,
    ledger,
    lots,
    margins,
    metrics,
    notifications,
    payouts,
    permissions,
    pricing,
    purchases,
    recharges,
    refunds,
    splits,
    subscriptions,
    totals,
    wallets,
    webhooks,
)
from schema.publishing import listed

OwnerType = listed(wallets.OwnerType)
UsageCategory = listed(pricing.UsageCategory)
TransactionType = listed(ledger.TransactionType)
PurchaseStatus = listed(purchases.PurchaseStatus)
PaymentMethod = listed(purchases.PaymentMethod)
RefundStatus = listed(refunds.RefundStatus)
RefundOrigin = listed(refunds.RefundOrigin)
DisputeStatus = listed(refunds.DisputeStatus)
GroupBy = listed(analytics.GroupBy)
Role = listed(permissions.Role)
JobState = listed(jobs.JobState)
WebhookState = listed(webhooks.WebhookState)
Account = listed(ledger.Account)
LotSource = listed(lots.LotSource)
InvoiceKind = listed(gst.InvoiceKind)
NotificationKind = listed(notifications.NotificationKind)
BeneficiaryStatus = listed(payouts.BeneficiaryStatus)
PayoutStatus = listed(payouts.PayoutStatus)
VendorStatus = listed(splits.VendorStatus)
SplitStatus = listed(splits.SplitStatus)
MoneyAccount = listed(books.MoneyAccount)
MoneyEntryKind = listed(books.MoneyEntryKind)
MoneyMovement = listed(totals.MoneyMovement)
DifferenceKind = listed(totals.DifferenceKind)
GiftStatus = listed(gifts.GiftStatus)
Overflow = listed(holds.Overflow)
CapMeasure = listed(caps.CapMeasure)
CapPeriod = listed(caps.CapPeriod)
Band = listed(margins.Band)
MarginWarning = listed(margins.MarginWarning)
Aggregation = listed(metrics.Aggregation)
FraudSignal = listed(fraud.FraudSignal)
FraudDecision = listed(fraud.FraudDecision)
MethodKind = listed(recharges.MethodKind)
MethodStatus = listed(recharges.MethodStatus)
RechargeState = listed(recharges.RechargeState)
BillingInterval = listed(subscriptions.BillingInterval)
SubscriptionStatus = listed(subscriptions.SubscriptionStatus)
