"""Every operation of the API: how to call it, and who may."""

from __future__ import annotations

from dataclasses import dataclass

from domain.permissions import Role

ALL = {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER}
SPENDERS = ALL - {Role.VIEWER}
ADMINS = {Role.OWNER, Role.ADMIN}
OWNERS = {Role.OWNER}


@dataclass(frozen=True)
class Operation:
    """A call, who may make it, and whether another project's key would see nothing (`own`) of its objects."""

    text: str
    roles: set[Role]
    own: bool = True


P = "errors { code }"
SUBSCRIPTION = "sub_" + "0" * 32
MANY = "[$wallet, $transaction, $purchase, $hold, $payout, $beneficiary, $gift, $cap]"
QUERIES = {
    "node": Operation("{ node(id: $wallet) { id } }", ALL),
    "nodes": Operation(f"{{ nodes(ids: {MANY}) {{ id }} }}", ALL),
    "wallet": Operation("{ wallet(id: $wallet) { id transactions { nodes { id } } } }", ALL),
    "wallets": Operation("{ wallets { nodes { id } } }", ALL),
    "pricing": Operation("{ pricing { feature } }", ALL, own=False),
    "pricingVersions": Operation("{ pricingVersions { nodes { version prices { feature } } } }", ALL, own=False),
    "estimate": Operation('{ estimate(walletId: $wallet, feature: "AI_SUMMARY") { credits } }', ALL),
    "quoteSpend": Operation('{ quoteSpend(walletId: $wallet, feature: "AI_SUMMARY") { credits } }', ALL),
    "caps": Operation("{ caps(walletId: $wallet) { id } }", ALL),
    "holds": Operation("{ holds(walletId: $wallet) { nodes { id walletId } } }", ALL),
    "payouts": Operation("{ payouts(walletId: $wallet) { nodes { id } } }", ALL),
    "beneficiaries": Operation("{ beneficiaries(walletId: $wallet) { nodes { id } } }", ALL),
    "payoutTransfers": Operation("{ payoutTransfers(walletId: $wallet) { nodes { id } } }", ALL),
    "vendors": Operation("{ vendors { nodes { id } } }", ALL),
    "purchaseSplits": Operation("{ purchaseSplits(purchaseId: $purchase) { nodes { id } } }", ALL),
    "lots": Operation("{ lots(walletId: $wallet) { nodes { id } } }", ALL),
    "allocations": Operation("{ allocations(transactionId: $transaction) { credits } }", ALL),
    "explainBalance": Operation("{ explainBalance(walletId: $wallet) { balance } }", ALL),
    "trialBalance": Operation("{ trialBalance { account balance difference } }", ALL, own=False),
    "gifts": Operation("{ gifts { nodes { id } } }", ALL),
    "burnAlerts": Operation("{ burnAlerts { nodes { sequence } } }", ALL, own=False),
    "gateways": Operation("{ gateways }", ALL, own=False),
    "packs": Operation("{ packs { code } }", ALL, own=False),
    "purchaseQuote": Operation('{ purchaseQuote(packCode: "PACK_150") { credits } }', ALL, own=False),
    "purchase": Operation("{ purchase(id: $purchase) { id } }", ALL),
    "purchases": Operation("{ purchases { nodes { id } } }", ALL),
    "subscription": Operation(f'{{ subscription(id: "{SUBSCRIPTION}") {{ id }} }}', ALL),
    "subscriptions": Operation("{ subscriptions(walletId: $wallet) { nodes { id } } }", ALL),
    "sellerDetails": Operation("{ sellerDetails { gstin } }", ALL, own=False),
    "billingDetails": Operation("{ billingDetails(walletId: $wallet) { name } }", ALL),
    "invoice": Operation("{ invoice(id: $purchase) { id } }", ALL),
    "invoices": Operation("{ invoices { nodes { id } } }", ALL),
    "notificationPreferences": Operation("{ notificationPreferences(walletId: $wallet) { email } }", ALL),
    "moneyAccounts": Operation("{ moneyAccounts { account balance { amountMinor } } }", OWNERS, own=False),
    "moneyEntries": Operation("{ moneyEntries(purchaseId: $purchase) { nodes { id } } }", OWNERS),
    "gatewayDays": Operation("{ gatewayDays { nodes { day } } }", OWNERS),
    "refunds": Operation("{ refunds { nodes { id } } }", ALL),
    "disputes": Operation("{ disputes { nodes { id } } }", ALL),
    "metrics": Operation("{ metrics { key } }", ALL),
    "usageEvents": Operation("{ usageEvents(walletId: $wallet) { nodes { metricKey } } }", ALL),
    "savedMethods": Operation("{ savedMethods(walletId: $wallet) { nodes { id } } }", ALL),
    "autoRecharge": Operation("{ autoRecharge(walletId: $wallet) { enabled attempts { nodes { id } } } }", ALL),
    "fraudEvents": Operation("{ fraudEvents(walletId: $wallet) { nodes { id } } }", ADMINS),
    "usageSummary": Operation("{ usageSummary(walletId: $wallet) { credits } }", ALL),
    "usageBreakdown": Operation("{ usageBreakdown(walletId: $wallet, groupBy: DAY) { key } }", ALL),
    "usageReport": Operation("{ usageReport(walletIds: [$wallet]) { credits } }", ALL),
    "featureMargins": Operation("{ featureMargins { key } }", ADMINS, own=False),
    "marginReport": Operation("{ marginReport { total { credits } } }", ADMINS, own=False),
    "paymentReport": Operation("{ paymentReport { total { started } } }", ADMINS, own=False),
    "queueLag": Operation("{ queueLag { due } }", ADMINS, own=False),
    "burnRate": Operation("{ burnRate(walletIds: [$wallet]) { today } }", ALL),
    "monthToDate": Operation("{ monthToDate(walletIds: [$wallet]) { credits } }", ALL),
    "topFeatures": Operation("{ topFeatures(walletIds: [$wallet]) { credits } }", ALL),
    "storageGrowth": Operation("{ storageGrowth(walletIds: [$wallet]) { credits } }", ALL),
    "usageForecast": Operation("{ usageForecast(walletId: $wallet) { model } }", ALL),
    "forecastAccuracy": Operation("{ forecastAccuracy(walletId: $wallet) { actual } }", ALL),
    "runwayAlerts": Operation("{ runwayAlerts(walletId: $wallet) { nodes { runwayDays } } }", ALL),
    "project": Operation("{ project { name } }", ALL, own=False),
    "apiKeys": Operation("{ apiKeys { nodes { id } } }", OWNERS, own=False),
    "webhookEvents": Operation("{ webhookEvents { nodes { id } } }", ADMINS),
    "jobs": Operation("{ jobs { nodes { id } } }", ADMINS),
}
METRIC = 'key: "USED", name: "n", unit: "u", category: API, feature: "API_BASIC_REQUEST"'
USED = 'walletId: $wallet, metricKey: "USED", units: 1, idempotencyKey: $key'
SPEND = 'walletId: $wallet, feature: "API_BASIC_REQUEST", idempotencyKey: $key'
MOVE = 'walletId: $wallet, credits: 1, reason: "r", idempotencyKey: $key'
PRICE = '{feature: "AI_SUMMARY", category: AI, credits: 15}'
BUY = 'walletId: $wallet, packCode: "PACK_150", method: UPI, idempotencyKey: $key'
SELLER = 'legalName: "n", address: "a", gstin: "29AAGCB7383J1Z4", stateCode: "29"'
BILLING = 'walletId: $wallet, name: "n", address: "a", postalCode: "560001", stateCode: "29"'
VENDOR = 'name: "Asha", email: "a@b.c", phone: "9999999999", vpa: "asha@upi", accountType: "INDIVIDUAL"'
VENDOR += ', businessType: "Education", pan: "ABCDE1234F"'
PART = "{vendorId: $vendor, amountMinor: 100}"
PAY = MOVE.replace("1", "10")
BENEFICIARY = 'walletId: $wallet, name: "Asha", vpa: "asha@upi", idempotencyKey: $key'
MANDATE = 'walletId: $wallet, limitMinor: 99999, email: "a@b.c", phone: "9999999999", idempotencyKey: $key'
RECHARGE = f'walletId: $wallet, savedMethodId: "pm_{"0" * 32}", amountMinor: 15000, monthlyLimitMinor: 99999'
MUTATIONS = {
    "createWallet": Operation(
        f"{{ createWallet(input: {{ownerType: USER, ownerId: $key}}) {{ {P} }} }}", ADMINS, own=False
    ),
    "updateWallet": Operation(f"{{ updateWallet(input: {{walletId: $wallet}}) {{ {P} }} }}", ADMINS),
    "setRunwayAlert": Operation(f"{{ setRunwayAlert(input: {{walletId: $wallet, days: 3}}) {{ {P} }} }}", ADMINS),
    "consume": Operation(f"{{ consume(input: {{{SPEND}}}) {{ {P} }} }}", SPENDERS),
    "consumeBatch": Operation(f"{{ consumeBatch(inputs: [{{{SPEND}}}]) {{ results {{ {P} }} }} }}", SPENDERS),
    "hold": Operation(
        f"{{ hold(input: {{walletId: $wallet, credits: 1, idempotencyKey: $key}}) {{ {P} }} }}", SPENDERS
    ),
    "holdFeature": Operation(f"{{ holdFeature(input: {{{SPEND}, quantity: 1}}) {{ {P} }} }}", SPENDERS),
    "captureUnits": Operation(
        f"{{ captureUnits(holdId: $hold, quantity: 1, idempotencyKey: $key) {{ {P} }} }}", SPENDERS
    ),
    "holdPayout": Operation(f"{{ holdPayout(input: {{{MOVE}}}) {{ {P} }} }}", ADMINS),
    "releasePayout": Operation(f"{{ releasePayout(payoutId: $payout, idempotencyKey: $key) {{ {P} }} }}", ADMINS),
    "completePayout": Operation(f"{{ completePayout(payoutId: $payout, idempotencyKey: $key) {{ {P} }} }}", ADMINS),
    "createVendor": Operation(
        f"{{ createVendor(input: {{{VENDOR}}}, idempotencyKey: $key) {{ {P} }} }}", ADMINS, own=False
    ),
    "updateVendor": Operation(f"{{ updateVendor(id: $vendor, input: {{{VENDOR}}}) {{ {P} }} }}", ADMINS),
    "splitPurchase": Operation(
        f"{{ splitPurchase(purchaseId: $purchase, parts: [{PART}], idempotencyKey: $key) {{ {P} }} }}", ADMINS
    ),
    "createBeneficiary": Operation(f"{{ createBeneficiary(input: {{{BENEFICIARY}}}) {{ {P} }} }}", ADMINS),
    "removeBeneficiary": Operation(f"{{ removeBeneficiary(id: $beneficiary) {{ {P} }} }}", ADMINS),
    "requestPayout": Operation(f"{{ requestPayout(input: {{{PAY}, beneficiaryId: $beneficiary}}) {{ {P} }} }}", ADMINS),
    "transferCredits": Operation(f"{{ transferCredits(input: {{{MOVE}, toWalletId: $other}}) {{ {P} }} }}", ADMINS),
    "sendGift": Operation(
        f"{{ sendGift(input: {{walletId: $wallet, credits: 1, idempotencyKey: $key}}) {{ {P} }} }}", ADMINS
    ),
    "claimGift": Operation(f"{{ claimGift(giftId: $gift, walletId: $other) {{ {P} }} }}", ADMINS),
    "revokeGift": Operation(f"{{ revokeGift(giftId: $gift) {{ {P} }} }}", ADMINS),
    "freezeWallet": Operation(f'{{ freezeWallet(walletId: $frozen, reason: "r") {{ {P} }} }}', ADMINS),
    "unfreezeWallet": Operation(f"{{ unfreezeWallet(walletId: $frozen) {{ {P} }} }}", ADMINS),
    "setCap": Operation(
        f'{{ setCap(input: {{walletId: $frozen, name: "c", limit: 9, measure: CREDITS, period: DAY}}) {{ {P} }} }}',
        ADMINS,
    ),
    "removeCap": Operation(f"{{ removeCap(walletId: $frozen, capId: $cap) {{ {P} }} }}", ADMINS),
    "captureHold": Operation(f"{{ captureHold(holdId: $hold, credits: 1, idempotencyKey: $key) {{ {P} }} }}", SPENDERS),
    "releaseHold": Operation(f"{{ releaseHold(holdId: $hold, idempotencyKey: $key) {{ {P} }} }}", SPENDERS),
    "purchaseCredits": Operation(f"{{ purchaseCredits(input: {{{BUY}}}) {{ {P} }} }}", SPENDERS),
    "retryPurchase": Operation(f"{{ retryPurchase(id: $purchase, idempotencyKey: $key) {{ {P} }} }}", SPENDERS),
    "refundPurchase": Operation(f"{{ refundPurchase(id: $purchase, idempotencyKey: $key) {{ {P} }} }}", ADMINS),
    "startSubscription": Operation(f"{{ startSubscription(input: {{{BUY}, interval: MONTH}}) {{ {P} }} }}", SPENDERS),
    "cancelSubscription": Operation(f'{{ cancelSubscription(id: "{SUBSCRIPTION}") {{ {P} }} }}', SPENDERS),
    "setSellerDetails": Operation(f"{{ setSellerDetails(input: {{{SELLER}}}) {{ {P} }} }}", OWNERS, own=False),
    "setBillingDetails": Operation(f"{{ setBillingDetails(input: {{{BILLING}}}) {{ {P} }} }}", SPENDERS),
    "issueInvoice": Operation(f"{{ issueInvoice(purchaseId: $purchase) {{ {P} }} }}", ADMINS),
    "setNotificationPreferences": Operation(
        f"{{ setNotificationPreferences(input: {{walletId: $wallet}}) {{ {P} }} }}", SPENDERS
    ),
    "enableAutoRecharge": Operation(f"{{ enableAutoRecharge(input: {{{RECHARGE}}}) {{ {P} }} }}", SPENDERS),
    "disableAutoRecharge": Operation(f"{{ disableAutoRecharge(walletId: $wallet) {{ {P} }} }}", SPENDERS),
    "createMandate": Operation(f"{{ createMandate(input: {{{MANDATE}}}) {{ {P} }} }}", SPENDERS),
    "removeSavedMethod": Operation(f'{{ removeSavedMethod(id: "pm_{"0" * 32}") {{ {P} }} }}', SPENDERS),
    "approveFraud": Operation(f'{{ approveFraud(id: "frd_{"0" * 32}") {{ {P} }} }}', ADMINS),
    "rejectFraud": Operation(f'{{ rejectFraud(id: "frd_{"0" * 32}") {{ {P} }} }}', ADMINS),
    "grantCredits": Operation(f"{{ grantCredits(input: {{{MOVE}}}) {{ {P} }} }}", ADMINS),
    "adjustCredits": Operation(f"{{ adjustCredits(input: {{{MOVE}}}) {{ {P} }} }}", ADMINS),
    "publishPricing": Operation(f"{{ publishPricing(input: {{prices: [{PRICE}]}}) {{ {P} }} }}", ADMINS, own=False),
    "setUnitCosts": Operation(
        f'{{ setUnitCosts(input: {{costs: [{{feature: "AI_SUMMARY", infrastructureMicros: 5}}]}}) {{ {P} }} }}',
        ADMINS,
        own=False,
    ),
    "defineMetric": Operation(f"{{ defineMetric(input: {{{METRIC}}}) {{ {P} }} }}", ADMINS, own=False),
    "recordUsage": Operation(f"{{ recordUsage(input: {{{USED}}}) {{ {P} }} }}", SPENDERS),
    "recordUsageBatch": Operation(f"{{ recordUsageBatch(inputs: [{{{USED}}}]) {{ results {{ {P} }} }} }}", SPENDERS),
    "chargeUsage": Operation(f"{{ chargeUsage(input: {{{USED}}}) {{ {P} }} }}", SPENDERS),
    "chargeUsageBatch": Operation(f"{{ chargeUsageBatch(inputs: [{{{USED}}}]) {{ results {{ {P} }} }} }}", SPENDERS),
    "archiveMetric": Operation('{ archiveMetric(key: "OLD") { errors { code } } }', ADMINS),
    "createApiKey": Operation(f"{{ createApiKey(input: {{name: $key, role: VIEWER}}) {{ {P} }} }}", OWNERS, own=False),
    "revokeApiKey": Operation(f"{{ revokeApiKey(id: $apiKey) {{ {P} }} }}", OWNERS),
    "checkGatewayDay": Operation(
        f'{{ checkGatewayDay(gateway: "x", day: "2026-01-01") {{ {P} }} }}', OWNERS, own=False
    ),
    "replayWebhook": Operation(f'{{ replayWebhook(id: "evt_1") {{ {P} }} }}', ADMINS),
    "replayJob": Operation(f'{{ replayJob(id: "job_1") {{ {P} }} }}', ADMINS),
}
SUBSCRIPTIONS = {
    "walletUpdated": Operation("{ walletUpdated(walletId: $wallet) { sequence } }", ALL),
    "lowBalance": Operation("{ lowBalance(walletId: $wallet) { sequence } }", ALL),
    "usageUpdated": Operation("{ usageUpdated(walletId: $wallet) { credits } }", ALL),
    "rapidBurn": Operation("{ rapidBurn(walletId: $wallet) { sequence } }", ALL),
    "autoRechargeUpdated": Operation("{ autoRechargeUpdated(walletId: $wallet) { enabled } }", ALL),
    "creditSubscriptionUpdated": Operation(f'{{ creditSubscriptionUpdated(id: "{SUBSCRIPTION}") {{ status }} }}', ALL),
    "runwayAlert": Operation("{ runwayAlert(walletId: $wallet) { runwayDays } }", ALL),
    "purchaseUpdated": Operation("{ purchaseUpdated(id: $purchase) { status } }", ALL),
}
IDS = ("wallet", "other", "frozen", "purchase", "hold", "payout", "beneficiary", "vendor", "gift", "cap")
VARIABLES = dict.fromkeys((*IDS, "transaction", "apiKey"), "ID!") | {"key": "String!"}
