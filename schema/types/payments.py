"""Payment figures."""

from datetime import date

from schema.publishing import published
from schema.scalars import BigInt, Credits


@published
class PaymentSums:
    """Purchases of one provider, method or day, or of all; amounts are of the paid ones, in paise."""

    key: str
    """Which one; TOTAL for all."""
    started: BigInt
    """Purchases that were started."""
    succeeded: BigInt
    """Those that are paid, refunded ones included."""
    failed: BigInt
    """Those that failed; the others are still open."""
    success_basis_points: int | None
    """Paid ones among those that ended, in hundredths of a percent; null while none has."""
    revenue_minor: BigInt
    """What the credits cost."""
    gst_minor: BigInt
    """GST on top."""
    platform_fee_minor: BigInt
    """Platform fees on top."""
    credits: Credits
    """Credits sold, bonus included."""


@published
class FailureReason:
    """Why purchases failed."""

    reason: str
    """In the provider's words."""
    purchases: BigInt
    """How many."""


@published
class WebhookFailure:
    """Messages of a provider that failed for good for one reason: see `webhookEvents(state: DEAD)`."""

    gateway: str
    """Which provider sent them."""
    reason: str
    """The name of the fault, such as PaymentMismatch."""
    messages: BigInt
    """How many."""


@published
class RechargeSums:
    """Automatic recharges that began in the range, of one day or all."""

    key: str
    """Which day; TOTAL for all."""
    attempts: BigInt
    """Those that were tried."""
    succeeded: BigInt
    """Those that were paid."""
    failed: BigInt
    """Those that were declined or never answered; the others are under way."""
    revenue_minor: BigInt
    """What the credits of the paid ones cost, in paise; it is part of the total."""


@published
class QueueLag:
    """What waits in a queue of background work."""

    queue: str
    """Its name."""
    due: BigInt
    """Jobs that wait for a worker now, counted up to 10,000."""
    oldest_seconds: float
    """How long the oldest of them has been due."""
    dead: BigInt
    """Jobs that failed for good: see `jobs(state: DEAD)`; counted up to 10,000."""


@published
class PaymentReport:
    """Purchases that were started in a range of days, as they stand now."""

    from_day: date
    """The first day."""
    to_day: date
    """The last day, inclusive."""
    time_zone: str
    """Whose days these are."""
    total: PaymentSums
    """All of them."""
    refunds: BigInt
    """Refunds that began in the range and did not fail, whenever their purchase was."""
    refunded_minor: BigInt
    """What they give back of the credits' price, in paise."""
    disputes: BigInt
    """Disputes that began in the range."""
    disputes_lost: BigInt
    """Those of them that are lost."""
    disputed_minor: BigInt
    """What they are about of the credits' price, in paise."""
    recharges: RechargeSums
    """Automatic recharges."""
    recharge_days: list[RechargeSums]
    """Each day with an automatic recharge, in order."""
    fraud_attempts: BigInt
    """Purchases that were stopped as doubtful, approved ones included: see `fraudEvents`."""
    gateways: list[PaymentSums]
    """Each provider, most revenue first."""
    methods: list[PaymentSums]
    """Each payment method, most revenue first."""
    days: list[PaymentSums]
    """Each day with a purchase, in order."""
    failures: list[FailureReason]
    """The 20 commonest reasons of failure."""
    webhook_failures: list[WebhookFailure]
    """Providers' messages that came in the range and are dead, by provider and fault: the 20 commonest."""
