"""Auto-recharge: when a wallet buys credits by itself, for how much, and when it stops trying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

from domain.errors import InvalidInput
from domain.limits import MAX_AMOUNT_MINOR, MAX_CREDITS
from domain.purchases import MINIMUM_AMOUNT_MINOR, MINOR_PER_CREDIT, PACKS, PurchaseStatus, quote_amount

RETRY_SECONDS: Final = (3_600, 6 * 3_600, 24 * 3_600)
"""The waits after the first, second and third decline in a row."""

MAX_FAILURES: Final = len(RETRY_SECONDS) + 1
"""Declines in a row after which auto-recharge turns itself off."""

DEFAULT_COOL_OFF_SECONDS: Final = 3_600
MAX_COOL_OFF_SECONDS: Final = 30 * 24 * 3_600
MAX_MONTHLY_LIMIT_MINOR: Final = 100 * MAX_AMOUNT_MINOR

MANDATE_LIMIT_MINOR: Final = 1_500_000
"""Paise that a mandate may debit without its customer: above 15,000 rupees each debit is approved (RBI)."""

NOTICE_HOURS: Final = 24
"""A mandate's customer hears of a debit that long before it, at least (RBI)."""

_INDIA: Final = ZoneInfo("Asia/Kolkata")


class MethodKind(IntEnum):
    """What a saved payment method allows."""

    DIRECT = 1
    """Charged at once, such as a card."""
    MANDATE = 2
    """An Indian mandate: a debit is announced a day before, and above 15,000 rupees approved by the customer."""


class MethodStatus(IntEnum):
    """Whether a saved payment method can be charged."""

    PENDING = 1
    """The customer has to approve it on the provider's page."""
    ACTIVE = 2
    """It can be charged."""
    REMOVED = 3
    """It was removed, or the customer or the bank ended it."""


class RechargeState(IntEnum):
    """Where an attempt to recharge stands."""

    CHARGING = 1
    """The provider is asked for the money."""
    PENDING = 2
    """The provider has announced the debit, which comes later: for an Indian mandate a day or more."""
    AWAITING_APPROVAL = 3
    """The customer has to approve it on the payment page."""
    SUCCEEDED = 4
    """Paid, and the credits are in the wallet."""
    FAILED = 5
    """Declined or refused."""
    SKIPPED = 6
    """Nothing was charged: it would have passed the monthly limit."""


class Verdict(IntEnum):
    """What a wallet needs now."""

    NOTHING = 1
    """It has enough."""
    WAIT = 2
    """It needs credits, and may not buy them yet."""
    OVER_LIMIT = 3
    """It needs credits that would pass its monthly limit."""
    CHARGE = 4
    """It needs credits now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a recharge buys, an amount (paise) or up to a target (credits), and its bounds. The limit is of totals."""

    amount_minor: int | None
    target_credits: int | None
    monthly_limit_minor: int
    cool_off_seconds: int = DEFAULT_COOL_OFF_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """A wallet as it is now: credits with debts taken off, what this month's recharges cost, and when it may begin."""

    credits: int
    threshold: int
    spent_minor: int
    charged_at: datetime | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: with CHARGE the amount in paise, with WAIT until when."""

    verdict: Verdict
    amount_minor: int = 0
    until: datetime | None = None


def check_terms(terms: Terms, threshold: int) -> None:
    """Raise InvalidInput or BelowMinimum unless the terms make sense together."""
    if (terms.amount_minor is None) == (terms.target_credits is None):
        raise InvalidInput("Send either amountMinor or targetCredits.", field=["amountMinor"])
    if terms.target_credits is not None and not threshold < terms.target_credits <= MAX_CREDITS:
        raise InvalidInput("targetCredits is above thresholdCredits.", field=["targetCredits"])
    if not 0 <= terms.cool_off_seconds <= MAX_COOL_OFF_SECONDS:
        raise InvalidInput(f"coolOffSeconds is 0 to {MAX_COOL_OFF_SECONDS}.", field=["coolOffSeconds"])
    smallest = quote_amount(MINIMUM_AMOUNT_MINOR if terms.amount_minor is None else terms.amount_minor).total_minor
    if not smallest <= terms.monthly_limit_minor <= MAX_MONTHLY_LIMIT_MINOR:
        message = f"monthlyLimitMinor is {smallest} (one recharge with tax and fee) to {MAX_MONTHLY_LIMIT_MINOR}."
        raise InvalidInput(message, field=["monthlyLimitMinor"])


def decide(terms: Terms, wallet: Standing, now: datetime) -> Decision:
    """What a wallet needs at this moment."""
    if wallet.credits >= wallet.threshold:
        return Decision(Verdict.NOTHING)
    cool = wallet.charged_at and wallet.charged_at + timedelta(seconds=terms.cool_off_seconds)
    until = max((time for time in (cool, wallet.retry_at) if time), default=now)
    if until > now:
        return Decision(Verdict.WAIT, until=until)
    amount_minor = amount_of(terms, wallet.credits)
    if wallet.spent_minor + quote_amount(amount_minor).total_minor > terms.monthly_limit_minor:
        return Decision(Verdict.OVER_LIMIT, amount_minor)
    return Decision(Verdict.CHARGE, amount_minor)


def amount_of(terms: Terms, credits: int) -> int:
    """The paise of a recharge of a wallet with so many credits: the smallest amount that reaches the target."""
    if terms.target_credits is None:
        return terms.amount_minor or 0
    missing = terms.target_credits - credits
    smallest = min(max(pack.amount_minor, (missing - pack.bonus_credits) * MINOR_PER_CREDIT) for pack in PACKS)
    return min(smallest, MAX_AMOUNT_MINOR)


def retry_after(failures: int) -> timedelta | None:
    """How long to wait after so many declines in a row; None when that was the last."""
    return None if failures >= MAX_FAILURES else timedelta(seconds=RETRY_SECONDS[failures - 1])


def month_start(now: datetime) -> datetime:
    """When the month of a monthly limit began (UTC)."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(now: datetime) -> datetime:
    """When the next one begins."""
    return month_start(month_start(now) + timedelta(days=31))


def debit_day(now: datetime) -> str:
    """The first day in India that begins after the notice, as an ISO date: a mandate can be debited from then on."""
    noticed = (now + timedelta(hours=NOTICE_HOURS)).astimezone(_INDIA)
    return (noticed.date() + timedelta(days=1)).isoformat()


def needs_approval(kind: MethodKind, limit_minor: int | None, total_minor: int) -> bool:
    """Whether the customer has to approve a charge of so many paise, which a mandate's own limit may be below."""
    limit = MANDATE_LIMIT_MINOR if limit_minor is None else min(limit_minor, MANDATE_LIMIT_MINOR)
    return kind is MethodKind.MANDATE and total_minor > limit


def state_after(state: RechargeState, status: PurchaseStatus) -> RechargeState:
    """Where an attempt stands by the status of its purchase; while it may still be paid, an approval is awaited."""
    if status in {PurchaseStatus.SUCCESS, PurchaseStatus.REFUNDED}:
        return RechargeState.SUCCEEDED
    if status is PurchaseStatus.FAILED:
        return RechargeState.FAILED
    if state is RechargeState.AWAITING_APPROVAL:
        return state
    return RechargeState.PENDING if status is PurchaseStatus.PENDING else RechargeState.CHARGING
