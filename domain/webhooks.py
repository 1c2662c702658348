"""Providers' messages as their log shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


KEEP_DAYS: Final = 180
LEAST_KEEP_DAYS: Final = 90
"""Providers deliver again for that long (Polar), and a message has to be known until then."""


class WebhookState(IntEnum):
    """Where the work on a message stands."""

    WAITING = 1
    """It waits for its turn, or for its next attempt."""
    PROCESSED = 2
    """It was acted on, or nothing had to be done."""
    DEAD = 3
    """It failed too often: replayWebhook runs it again."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A message with the state of the work on it; `verdict` is what was made of it."""

    id: int
    gateway: str
    event_id: str
    type: str
    order_id: str | None
    state: WebhookState
    attempts: int
    verdict: str | None
    last_error: str | None
    received_at: datetime
    processed_at: datetime | None
    job_id: int | None
