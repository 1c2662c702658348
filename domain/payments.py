"""What payments of a project look like over a range of days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

MAX_FAILURE_REASONS: Final = 20
MAX_COUNTED_JOBS: Final = 10_000
"""Waiting or dead jobs of a queue are counted up to here."""


@dataclass(frozen=True, slots=True)
class PaymentSums:
    """Purchases of one key (a provider, a method, a day, all) and what the paid ones brought, in minor units."""

    key: str
    started: int
    succeeded: int
    failed: int
    revenue_minor: int
    gst_minor: int
    platform_fee_minor: int
    credits: int

    @property
    def success_basis_points(self) -> int | None:
        """The paid ones among those that ended, half up; None while none has ended."""
        ended = self.succeeded + self.failed
        return (2 * self.succeeded * 10_000 + ended) // (2 * ended) if ended else None


@dataclass(frozen=True, slots=True)
class FailureReason:
    """How many purchases failed for a reason, in the provider's words."""

    reason: str
    purchases: int


@dataclass(frozen=True, slots=True)
class WebhookFailure:
    """How many messages of a provider are dead for a reason, the name of the fault."""

    gateway: str
    reason: str
    messages: int


@dataclass(frozen=True, slots=True)
class RechargeSums:
    """Automatic recharges of a day, or all: attempts, how they ended, and what the paid ones brought (minor units)."""

    key: str
    attempts: int
    succeeded: int
    failed: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class QueueLag:
    """What is due in a queue and how long the oldest of it has waited; counts stop at MAX_COUNTED_JOBS."""

    queue: str
    due: int
    oldest_seconds: float
    dead: int


@dataclass(frozen=True, slots=True)
class PaymentReport:
    """Payments over a range of days of a time zone; refunds and disputes are those that began in it."""

    from_day: date
    to_day: date
    time_zone: str
    total: PaymentSums
    refunds: int
    refunded_minor: int
    disputes: int
    disputes_lost: int
    disputed_minor: int
    recharges: RechargeSums
    recharge_days: Sequence[RechargeSums]
    fraud_attempts: int
    gateways: Sequence[PaymentSums]
    methods: Sequence[PaymentSums]
    days: Sequence[PaymentSums]
    failures: Sequence[FailureReason]
    webhook_failures: Sequence[WebhookFailure]
