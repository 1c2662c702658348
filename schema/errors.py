"""Refusals as data: what a mutation answers when it did nothing."""

from datetime import datetime

from domain import errors as domain
from schema.enums import UsageCategory
from schema.publishing import listed, published, shared
from schema.scalars import BigInt, Credits

ErrorCode = listed(domain.ErrorCode)


@shared
class UserError:
    """Why an act was refused, for programs (code), people (message) and forms (field)."""

    code: ErrorCode
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
class PricingMatrixMismatchError(UserError):
    """The caller expected another price than the one in force."""

    expected_credits: Credits
    """What the caller expected."""
    actual_credits: Credits
    """What it costs."""


@published
class GenericError(UserError):
    """A refusal that has no further figures."""


def user_error(error: domain.DomainError) -> UserError:
    """The GraphQL object of a refusal."""
    common = {"code": error.code, "message": error.message, "field": error.field}
    match error:
        case domain.InsufficientCredits(available_credits=available, required_credits=required):
            return InsufficientCreditsError(**common, available_credits=available, required_credits=required)
        case domain.DailyCapReached(category=category, limit=limit, resets_at=resets_at):
            return DailyCapReachedError(**common, category=category, limit=limit, resets_at=resets_at)
        case domain.PricingMatrixMismatch(expected_credits=expected, actual_credits=actual):
            return PricingMatrixMismatchError(**common, expected_credits=expected, actual_credits=actual)
        case _:
            return GenericError(**common)
