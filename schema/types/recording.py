"""Metrics, and usage recorded under them."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.metrics import LATE_DAYS
from schema.enums import Aggregation, UsageCategory
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import id_field
from schema.types.wallets import CreditTransaction, Wallet


@published
class Metric:
    """Something that the project measures."""

    key: str
    """What events name it by."""
    name: str
    """What people call it."""
    unit: str
    """What one unit is."""
    category: UsageCategory
    """The family it belongs to."""
    aggregation: Aggregation
    """How its events become one figure."""
    feature: str | None
    """The feature whose price `chargeUsage` takes for each unit; null when it charges nothing."""
    late_days: int
    """How many days late an event may come."""
    created_at: datetime
    """When it was defined first."""
    archived_at: datetime | None
    """From when on it takes no events."""


@accepted
class DefineMetricInput:
    """A metric; one that is there gets this name, feature and lateness, and keeps what it measures."""

    key: str
    """Capital letters, digits and underscores."""
    name: str
    """What people call it."""
    unit: str
    """What one unit is: requests, GB, tokens; at most 32 characters."""
    category: UsageCategory
    """The family it belongs to."""
    aggregation: Aggregation | None = Aggregation.SUM
    """How its events become one figure."""
    feature: str | None = strawberry.UNSET
    """The feature of `pricing` whose price `chargeUsage` takes for each unit."""
    late_days: int | None = LATE_DAYS
    """How many days late an event may come, 0 to 400."""


@published
class MetricPayload:
    """The metric, or why it was refused."""

    metric: Metric | None = None
    """The metric after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class UsageEvent:
    """Units of a metric that a wallet used at one time."""

    metric_key: str
    """Which metric."""
    units: BigInt
    """How many; below zero where an earlier event was taken back."""
    member: str | None
    """Who used them, in the caller's own words."""
    occurred_at: datetime
    """When they were used: the day and hour on which they are booked."""
    recorded_at: datetime
    """When it was committed."""
    credits: Credits | None
    """What was charged; null when it was recorded without a charge."""
    idempotency_key: str
    """The key under which it was recorded once."""
    wallet_id = id_field("wal", "wallet_uuid")
    """Whose usage."""

    @strawberry.field
    def transaction_id(root: strawberry.Parent[Any]) -> strawberry.ID | None:  # noqa: N805 - the row
        """The transaction that charged it."""
        if root.transaction_sequence is None:
            return None
        return strawberry.ID(f"{public_id('txn', root.wallet_uuid)}_{root.transaction_sequence}")

    @strawberry.field
    def metadata(root: strawberry.Parent[Any]) -> JSON | None:  # noqa: N805 - the row
        """What the caller attached."""
        details: JSON | None = root.details
        return details


@accepted
class RecordUsageInput:
    """Units that were used, without a charge."""

    wallet_id: strawberry.ID
    """Who used them."""
    metric_key: str
    """A key of `metrics`."""
    units: BigInt
    """How many, up to 10^12; below zero takes earlier ones back."""
    member: str | None = strawberry.UNSET
    """Who in your product used them."""
    occurred_at: datetime | None = strawberry.UNSET
    """When, with an offset; now when you say nothing. Booked on its own day and hour."""
    idempotency_key: str
    """Your name for this event: sending it again changes nothing and gives the first result."""
    metadata: JSON | None = strawberry.UNSET
    """A JSON object of at most 4,096 bytes to keep with the event."""


@accepted
class ChargeUsageInput:
    """Units that were used, to be paid at the price of the metric's feature."""

    wallet_id: strawberry.ID
    """The wallet that pays."""
    metric_key: str
    """A key of `metrics` that has a feature."""
    units: BigInt
    """How many, 1 to 1,000,000; they multiply the price and count against caps."""
    expected_credits: Credits | None = strawberry.UNSET
    """Refuse the charge unless it costs exactly this."""
    member: str | None = strawberry.UNSET
    """Who in your product used them."""
    occurred_at: datetime | None = strawberry.UNSET
    """When, with an offset; now when you say nothing. The usage is booked on its own day, the charge is made now."""
    idempotency_key: str
    """Your name for this charge, among all acts that move the wallet's credits and all its events."""
    metadata: JSON | None = strawberry.UNSET
    """A JSON object of at most 4,096 bytes to keep with the event and the transaction."""


@published
class RecordUsagePayload:
    """The event, or why it was refused."""

    event: UsageEvent | None = None
    """The event; null when it was refused."""
    replayed: bool = False
    """Whether this key was known, so that nothing was recorded now."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class ChargeUsagePayload:
    """The event with its charge, or why it was refused."""

    event: UsageEvent | None = None
    """The event; null when it was refused."""
    transaction: CreditTransaction | None = None
    """The charge; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    replayed: bool = False
    """Whether this key was known, so that nothing was charged now."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class RecordUsageBatchPayload:
    """One result for each input, in the same order."""

    results: list[RecordUsagePayload]
    """What became of each input."""


@published
class ChargeUsageBatchPayload:
    """One result for each input, in the same order."""

    results: list[ChargeUsagePayload]
    """What became of each input."""
