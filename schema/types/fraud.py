"""Purchases that were looked at before the payment."""

from datetime import datetime
from typing import Any

import strawberry

from schema.enums import FraudDecision, FraudSignal
from schema.errors import UserError
from schema.publishing import published
from schema.scalars import BigInt
from schema.types.money import money_field
from schema.types.nodes import id_field


@published
class FraudFinding:
    """A reason to doubt a purchase."""

    signal: FraudSignal
    """What was found."""
    points: BigInt
    """What it is worth; 50 in all stop a purchase."""


@published
class FraudEvent:
    """A purchase with at least one reason to doubt it."""

    idempotency_key: str
    """The purchase's key: after an approval the same request goes on."""
    points: BigInt
    """The points of all findings."""
    decision: FraudDecision
    """What became of it."""
    address: str | None
    """Where the request came from, as far as proxies are trusted."""
    country: str | None
    """The country of the address, where it is known."""
    device: str | None
    """What the request said of its device."""
    agent: str | None
    """How the client called itself."""
    note: str | None
    """What was said when it was decided."""
    created_at: datetime
    """When the purchase was to begin."""
    reviewed_at: datetime | None
    """When somebody decided."""
    id = id_field("frd")
    """Names the event."""
    wallet_id = id_field("wal", "wallet_uuid")
    """The wallet that was to get the credits."""
    amount = money_field("amount_minor", "INR")
    """The price of the credits."""

    @strawberry.field
    def findings(root: strawberry.Parent[Any]) -> list[FraudFinding]:  # noqa: N805 - the row
        """Every reason with its points."""
        return [
            FraudFinding(signal=FraudSignal(int(signal)), points=BigInt(points))
            for signal, points in root.signals.items()
        ]


@published
class FraudEventPayload:
    """The event, or why nothing was decided."""

    fraud_event: FraudEvent | None = None
    """The event after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
