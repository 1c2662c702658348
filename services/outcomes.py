"""The engine's refusals as the errors that callers get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.caps import CAP_CATEGORY, CapGroup, resets_at
from domain.errors import (
    CapReached,
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
    from collections.abc import Callable

    from db.rows import Posting


def refusal(posting: Posting, feature: str = "", expected_credits: int | None = None) -> DomainError | None:
    """The error of an answer (type ledger.posting), or None when it was posted or replayed."""
    outcome, required = Outcome(posting.outcome), posting.required_credits
    if outcome in {Outcome.POSTED, Outcome.REPLAYED}:
        return None
    if outcome in _PLAIN:
        return _PLAIN[outcome]()
    match outcome:
        case Outcome.INSUFFICIENT_CREDITS:
            return InsufficientCredits(posting.balance_before, required)
        case Outcome.PRICE_MISMATCH:
            return PricingMatrixMismatch(expected_credits or 0, required)
        case Outcome.UNKNOWN_FEATURE:
            return UnknownFeature(feature)
        case _:
            return _limit_refusal(outcome, posting)


def _limit_refusal(outcome: Outcome, posting: Posting) -> DomainError:
    required = posting.required_credits
    match outcome:
        case Outcome.DAILY_CAP_REACHED:
            group = CapGroup(posting.cap_group)
            return DailyCapReached(CAP_CATEGORY[group], required, resets_at(posting.posted_at.date()))
        case Outcome.CAP_REACHED:
            return CapReached(posting.cap_id, required, posting.cap_left, posting.cap_resets_at)
        case _:
            limit = "" if required is None else f": at most {required} credits are left"
            return InvalidInput(f"That many credits can't be moved{limit}.", field=["credits"])


_PLAIN: Final[dict[Outcome, Callable[[], DomainError]]] = {
    Outcome.NO_WALLET: lambda: NotFound("No such wallet in this project: see `wallets`.", field=["walletId"]),
    Outcome.NO_HOLD: lambda: NotFound("No such hold in this project.", field=["holdId"]),
    Outcome.NO_GIFT: lambda: NotFound("No such gift for this wallet.", field=["giftId"]),
    Outcome.NO_METRIC: lambda: NotFound("No such metric in this project: see `metrics`.", field=["metricKey"]),
    Outcome.METRIC_ARCHIVED: lambda: InvalidState(
        "This metric is archived: define it again to record under it.", field=["metricKey"]
    ),
    Outcome.NO_FEATURE: lambda: InvalidState(
        "This metric charges nothing: define it with a `feature`, or use recordUsage.", field=["metricKey"]
    ),
    Outcome.KEY_CONFLICT: IdempotencyConflict,
    Outcome.FROZEN: WalletFrozen,
    Outcome.INVALID_STATE: lambda: InvalidState(
        "This is closed already: captured, claimed, paid, released, revoked or expired."
    ),
}
