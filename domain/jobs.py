"""Background work: the queues, how long a failed attempt waits, and when to give up."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

MAX_ATTEMPTS: Final = 12
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 600.0
LEASE_SECONDS: Final = 60.0
"""How long one worker may keep a job before the janitor gives it to another."""


PAYMENT_MESSAGE: Final = "gateway.event"
"""The kind of the jobs that act on providers' messages: many of them are done together."""


class Queue(StrEnum):
    """The named queues; the same names on RabbitMQ."""

    PAYMENT_PROCESSING = "payment.processing"
    WALLET_CREDIT = "wallet.credit"
    WALLET_DEBIT = "wallet.debit"
    REFUND_PROCESSING = "refund.processing"
    ANALYTICS_BILLING = "analytics.billing"
    FRAUD_DETECTION = "fraud.detection"
    WEBHOOK_PROCESSING = "webhook.processing"
    INVOICE_GENERATE = "invoice.generate"
    NOTIFICATIONS_BILLING = "notifications.billing"
    SETTLEMENTS_PROCESSING = "settlements.processing"


class JobState(IntEnum):
    """Where a job stands; DEAD ones wait for somebody to replay them."""

    READY = 1
    """Waits for its time or for a worker."""
    RUNNING = 2
    """A worker has it."""
    DONE = 3
    """Done."""
    DEAD = 4
    """Failed too often: replayJob runs it again."""


def retry_delay(attempt: int, jitter: float) -> timedelta:
    """The wait after failed attempt 1, 2, ...: doubling, capped, and scaled by jitter (0 to 1) to half or whole."""
    seconds = min(FIRST_RETRY_SECONDS * 2.0 ** min(attempt - 1, 30), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=seconds * (0.5 + jitter / 2))
