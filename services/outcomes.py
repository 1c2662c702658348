"""The engine's refusals as the errors that callers get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.caps import CAP_CATEGORY, CapGroup, resets_at
from domain.errors import (
    DailyCapReached,
    DomainError,
    IdempotencyConflict,
    InsufficientCredits,
    InvalidInput,
    InvalidState,
    NotFound,
    PricingMatrixMismatch,
    UnknownFeature,
    WalletFrozen,
)
from domain.ledger import Outcome

if TYPE_CHECKING:
    from db.rows import Posting


def refusal(posting: Posting, feature: str = "", expected_credits: int | None = None) -> DomainError | None:
    """The error of an answer (type ledger.posting), or None when it was posted or replayed."""
    required = posting.required_credits
    match Outcome(posting.outcome):
        case Outcome.POSTED | Outcome.REPLAYED:
            return None
        case Outcome.INSUFFICIENT_CREDITS:
            return InsufficientCredits(posting.balance_before, required)
        case Outcome.DAILY_CAP_REACHED:
            group = CapGroup(posting.cap_group)
            return DailyCapReached(CAP_CATEGORY[group], required, resets_at(posting.posted_at.date()))
        case Outcome.PRICE_MISMATCH:
            return PricingMatrixMismatch(expected_credits or 0, required)
        case Outcome.UNKNOWN_FEATURE:
            return UnknownFeature(feature)
        case other:
            return _plain_refusal(other, required)


def _plain_refusal(outcome: Outcome, required: int | None) -> DomainError:
    match outcome:
        case Outcome.KEY_CONFLICT:
            return IdempotencyConflict()
        case Outcome.FROZEN:
            return WalletFrozen()
        case Outcome.NO_HOLD:
            return NotFound("No such hold in this project.", field=["holdId"])
        case Outcome.INVALID_STATE:
            return InvalidState("This hold is closed: it was captured, released or has expired.")
        case Outcome.INVALID_AMOUNT:
            limit = "" if required is None else f": at most {required} credits are left"
            return InvalidInput(f"That many credits can't be moved{limit}.", field=["credits"])
        case _:
            return NotFound("No such wallet in this project: see `wallets`.", field=["walletId"])
