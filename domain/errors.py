"""Every way in which a business act is refused, as exceptions with a stable code.

A refusal is an answer to the caller, not a fault: it changes nothing and is never stored, so the same request may
succeed later.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.pricing import UsageCategory


class ErrorCode(StrEnum):
    """The stable names of refusals; clients branch on them."""

    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    """The available credits do not cover the act: add credits."""
    DAILY_CAP_REACHED = "DAILY_CAP_REACHED"
    """The spend would pass a daily cap: wait for the next UTC day."""
    CAP_REACHED = "CAP_REACHED"
    """The spend would pass a cap that was set for the wallet: spend less, or wait until it resets."""
    PRICING_MATRIX_MISMATCH = "PRICING_MATRIX_MISMATCH"
    """The price is another one than expected: read `pricing` again."""
    UNKNOWN_FEATURE = "UNKNOWN_FEATURE"
    """No price is published for the feature: see `pricing`."""
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    """The key was used for another request: send a new key."""
    WALLET_FROZEN = "WALLET_FROZEN"
    """No credit leaves a frozen wallet: unfreeze it first."""
    BELOW_MINIMUM = "BELOW_MINIMUM"
    """The amount is below the smallest purchase."""
    PAYMENT_BLOCKED = "PAYMENT_BLOCKED"
    """The purchase was stopped before the payment."""
    PAYMENT_FAILED = "PAYMENT_FAILED"
    """The payment provider refused or could not be reached."""
    INVALID_STATE = "INVALID_STATE"
    """The object is not in a state that allows the act."""
    INVALID_INPUT = "INVALID_INPUT"
    """A value is outside its bounds: see the message and the field."""
    BATCH_REFUSED = "BATCH_REFUSED"
    """The spend would pass a cap that was set for the wallet: spend less, or wait until it resets."""
    USAGE_OUTSIDE_WINDOW = "USAGE_OUTSIDE_WINDOW"
    """The usage is later than its metric allows, or in the future: see `earliest` and `latest`."""
    NOT_FOUND = "NOT_FOUND"
    """No such object in the caller's project."""
    BUSY = "BUSY"
    """Nothing could be done in time: send the same request with the same key again."""


class DomainError(Exception):
    """A refusal with a stable code, a sentence for people and the path of the input field at fault."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *, field: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = list(field) if field else None


class InsufficientCredits(DomainError):
    """The wallet's available credits do not cover the act."""

    code = ErrorCode.INSUFFICIENT_CREDITS

    def __init__(self, available_credits: int, required_credits: int) -> None:
        super().__init__(f"This needs {required_credits} credits and {available_credits} are available: add credits.")
        self.available_credits = available_credits
        self.required_credits = required_credits


class DailyCapReached(DomainError):
    """The spend would pass a daily cap of the wallet."""

    code = ErrorCode.DAILY_CAP_REACHED

    def __init__(self, category: UsageCategory, limit: int, resets_at: datetime) -> None:
        super().__init__(f"The daily cap of {limit} is reached; it resets at {resets_at:%Y-%m-%dT%H:%M:%SZ}.")
        self.category = category
        self.limit = limit
        self.resets_at = resets_at


class CapReached(DomainError):
    """The spend would pass a cap that was set for the wallet."""

    code = ErrorCode.CAP_REACHED

    def __init__(self, cap: UUID, limit: int, left: int, resets_at: datetime) -> None:
        when = f"{resets_at:%Y-%m-%dT%H:%M:%SZ}"
        super().__init__(f"A cap of {limit} has {left} left: spend less, or wait until {when}.")
        self.cap = cap
        self.limit = limit
        self.left = left
        self.resets_at = resets_at


class PricingMatrixMismatch(DomainError):
    """The caller expected another price than the matrix in force."""

    code = ErrorCode.PRICING_MATRIX_MISMATCH

    def __init__(self, expected_credits: int, actual_credits: int) -> None:
        message = f"The price is {actual_credits} credits, not {expected_credits}: read `pricing` again."
        super().__init__(message, field=["expectedCredits"])
        self.expected_credits = expected_credits
        self.actual_credits = actual_credits


class UnknownFeature(DomainError):
    """No price is published for the feature."""

    code = ErrorCode.UNKNOWN_FEATURE

    def __init__(self, feature: str) -> None:
        super().__init__(f"No price is published for the feature {feature!r}: see `pricing`.", field=["feature"])


class IdempotencyConflict(DomainError):
    """The key was used before for another request."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT

    def __init__(self) -> None:
        message = "This idempotency key was used for another request: send a new key."
        super().__init__(message, field=["idempotencyKey"])


class WalletFrozen(DomainError):
    """The wallet is frozen: no credit leaves it."""

    code = ErrorCode.WALLET_FROZEN

    def __init__(self) -> None:
        super().__init__("This wallet is frozen: an owner or admin has to unfreeze it first.")


class BelowMinimum(DomainError):
    """The amount is below the smallest purchase."""

    code = ErrorCode.BELOW_MINIMUM


class PaymentBlocked(DomainError):
    """The purchase was stopped before the payment, and waits for a review."""

    code = ErrorCode.PAYMENT_BLOCKED

    def __init__(self, event: UUID, points: int) -> None:
        super().__init__(
            "This purchase was stopped: somebody has to approve it (see `fraudEvents`), then send it again."
        )
        self.event = event
        self.points = points


class PaymentFailed(DomainError):
    """The payment provider refused or could not be reached."""

    code = ErrorCode.PAYMENT_FAILED


class InvalidState(DomainError):
    """The object is not in a state that allows the act."""

    code = ErrorCode.INVALID_STATE


class InvalidInput(DomainError):
    """A value of the request is outside its bounds."""

    code = ErrorCode.INVALID_INPUT


class BatchRefused(DomainError):
    """Another item of an atomic batch was refused, so none was posted."""

    code = ErrorCode.BATCH_REFUSED

    def __init__(self) -> None:
        super().__init__("Another item of this batch was refused, so nothing was posted: see its errors.")


class UsageOutsideWindow(DomainError):
    """The usage happened too long ago to be booked on its day, or has not happened yet."""

    code = ErrorCode.USAGE_OUTSIDE_WINDOW

    def __init__(self, earliest: datetime, latest: datetime) -> None:
        window = f"from {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}"
        super().__init__(f"Usage of this metric is taken {window}: send it in time.", field=["occurredAt"])
        self.earliest = earliest
        self.latest = latest


class NotFound(DomainError):
    """No such object in the caller's project."""

    code = ErrorCode.NOT_FOUND


class Busy(DomainError):
    """Nothing could be done in time; the same request with the same key is safe to send again."""

    code = ErrorCode.BUSY


class AccessDenied(Exception):
    """The caller is unknown (`UNAUTHENTICATED`) or its role does not allow the act (`FORBIDDEN`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
