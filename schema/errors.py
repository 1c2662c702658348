"""Refusals as data: what a mutation answers when it did nothing."""

from datetime import datetime
from typing import Any

import strawberry

from domain import errors as domain
from schema.enums import UsageCategory
from schema.ids import public_id
from schema.publishing import listed, published, shared
from schema.scalars import BigInt, Credits

ErrorCode = listed(domain.ErrorCode)


@shared
class UserError:
    """Why an act was refused, for programs (code), people (message) and forms (field)."""

    code: domain.ErrorCode
    """A stable name to branch on."""
    message: str
    """A sentence that says what to do."""
    field: list[str] | None
    """The path of the input field at fault."""


@published
class InsufficientCreditsError(UserError):
    """The wallet's available credits do not cover the act."""

    available_credits: Credits
    """What is there."""
    required_credits: Credits
    """What the act needs."""


@published
class DailyCapReachedError(UserError):
    """The spend would pass a daily cap of the wallet."""

    category: UsageCategory
    """The category that the cap belongs to."""
    limit: BigInt
    """Units per UTC day."""
    resets_at: datetime
    """When the day ends."""


@published
class CapReachedError(UserError):
    """The spend would pass a cap that was set for the wallet."""

    cap_id: strawberry.ID
    """Which cap; see `caps`."""
    limit: BigInt
    """Credits or units a period."""
    left: BigInt
    """What may still be spent."""
    resets_at: datetime
    """When there is more."""


@published
class PricingMatrixMismatchError(UserError):
    """The caller expected another price than the one in force."""

    expected_credits: Credits
    """What the caller expected."""
    actual_credits: Credits
    """What it costs."""


@published
class UsageOutsideWindowError(UserError):
    """The usage is later than its metric allows, or in the future."""

    earliest: datetime
    """From when on usage of this metric is taken now."""
    latest: datetime
    """Up to when."""


@published
class PaymentBlockedError(UserError):
    """The purchase was stopped before the payment: after approveFraud the same request goes on."""

    fraud_event_id: strawberry.ID
    """What was found; see `fraudEvents`."""
    points: BigInt
    """Its points; 50 and more stop a purchase."""


@published
class GenericError(UserError):
    """A refusal that has no further figures."""


def user_error(error: domain.DomainError) -> UserError:
    """The GraphQL object of a refusal."""
    kind, figures = _kind(error)
    return kind(code=error.code, message=error.message, field=error.field, **figures)


def _kind(error: domain.DomainError) -> tuple[type[UserError], dict[str, Any]]:
    """The type of a refusal, and what it tells besides."""
    kind: type[UserError] = GenericError
    figures: dict[str, Any] = {}
    match error:
        case domain.InsufficientCredits():
            kind = InsufficientCreditsError
            figures = {"available_credits": error.available_credits, "required_credits": error.required_credits}
        case domain.DailyCapReached():
            kind = DailyCapReachedError
            figures = {"category": error.category, "limit": error.limit, "resets_at": error.resets_at}
        case domain.CapReached():
            kind, cap_id = CapReachedError, strawberry.ID(public_id("cap", error.cap))
            figures = {"limit": error.limit, "left": error.left, "resets_at": error.resets_at, "cap_id": cap_id}
        case domain.UsageOutsideWindow():
            kind, figures = UsageOutsideWindowError, {"earliest": error.earliest, "latest": error.latest}
        case domain.PricingMatrixMismatch():
            kind = PricingMatrixMismatchError
            figures = {"expected_credits": error.expected_credits, "actual_credits": error.actual_credits}
        case domain.PaymentBlocked():
            kind, event = PaymentBlockedError, strawberry.ID(public_id("frd", error.event))
            figures = {"fraud_event_id": event, "points": BigInt(error.points)}
    return kind, figures
