"""The domain's enums, published."""

from domain import analytics, jobs, ledger, permissions, pricing, purchases, wallets
from schema.publishing import listed

OwnerType = listed(wallets.OwnerType)
UsageCategory = listed(pricing.UsageCategory)
TransactionType = listed(ledger.TransactionType)
PurchaseStatus = listed(purchases.PurchaseStatus)
PaymentMethod = listed(purchases.PaymentMethod)
GroupBy = listed(analytics.GroupBy)
Role = listed(permissions.Role)
JobState = listed(jobs.JobState)
