"""Buying credits: packs, the quote in integer paise, and the states of a purchase."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from domain.errors import BelowMinimum, InvalidInput, InvalidState
from domain.limits import MAX_AMOUNT_MINOR

CURRENCY: Final = "INR"
MINIMUM_AMOUNT_MINOR: Final = 15_000
"""Paise: the smallest purchase, 150 rupees."""

GST_BASIS_POINTS: Final = 1_800
PLATFORM_FEE_BASIS_POINTS: Final = 240
MINOR_PER_CREDIT: Final = 10
"""Paise of one credit: 10 rupees are 100 credits."""


class PurchaseStatus(IntEnum):
    """Where a purchase stands."""

    PROCESSING = 1
    """The order is being opened at the provider."""
    PENDING = 2
    """The buyer has to pay, or the provider to say so."""
    SUCCESS = 3
    """Paid, and the credits are in the wallet."""
    FAILED = 4
    """Not paid; retryPurchase tries again."""
    REFUNDED = 5
    """The whole amount went back."""


class PaymentMethod(IntEnum):
    """How the buyer pays."""

    UPI = 1
    """A UPI app."""
    DEBIT_CARD = 2
    """A debit card."""
    CREDIT_CARD = 3
    """A credit card."""
    NET_BANKING = 4
    """The bank's own page."""
    WALLET = 5
    """A wallet of another company."""


TRANSITIONS: Final[dict[PurchaseStatus, frozenset[PurchaseStatus]]] = {
    PurchaseStatus.PROCESSING: frozenset({PurchaseStatus.PENDING, PurchaseStatus.SUCCESS, PurchaseStatus.FAILED}),
    PurchaseStatus.PENDING: frozenset({PurchaseStatus.SUCCESS, PurchaseStatus.FAILED}),
    # A provider may report success after a failure (the bank answered late): the money came, so the credits go.
    PurchaseStatus.FAILED: frozenset({PurchaseStatus.PROCESSING, PurchaseStatus.SUCCESS}),
    PurchaseStatus.SUCCESS: frozenset({PurchaseStatus.REFUNDED}),
    PurchaseStatus.REFUNDED: frozenset(),
}
"""Every step a purchase may take."""


def require_transition(old: PurchaseStatus, new: PurchaseStatus) -> None:
    """Raise InvalidState unless a purchase may go from the old status to the new one."""
    if new not in TRANSITIONS[old]:
        raise InvalidState(f"A purchase that is {old.name} can't become {new.name}.")


@dataclass(frozen=True, slots=True)
class Pack:
    """Credits on sale for a fixed price; `credits` includes the bonus."""

    code: str
    amount_minor: int
    credits: int
    bonus_credits: int


PACKS: Final = (
    Pack("PACK_150", 15_000, 1_500, 0),
    Pack("PACK_300", 30_000, 3_200, 200),
    Pack("PACK_500", 50_000, 5_500, 500),
    Pack("PACK_1000", 100_000, 12_000, 2_000),
    Pack("PACK_2500", 250_000, 32_000, 7_000),
)
"""The packs, smallest first (source: the business facts of the design)."""

_PACKS_BY_CODE: Final = {pack.code: pack for pack in PACKS}


@dataclass(frozen=True, slots=True)
class Quote:
    """What a purchase costs, in paise, and gives, in credits (bonus included)."""

    amount_minor: int
    gst_minor: int
    platform_fee_minor: int
    credits: int
    bonus_credits: int
    currency: str = CURRENCY

    @property
    def total_minor(self) -> int:
        """What the buyer pays: the amount with GST and platform fee on top."""
        return self.amount_minor + self.gst_minor + self.platform_fee_minor


def share(amount_minor: int, basis_points: int) -> int:
    """That many hundredths of a percent of an amount, rounded half up to a whole minor unit."""
    return (2 * amount_minor * basis_points + 10_000) // 20_000


def quote_amount(amount_minor: int) -> Quote:
    """Quote a custom amount; it earns the bonus of the largest pack that it reaches. BelowMinimum, InvalidInput."""
    if amount_minor < MINIMUM_AMOUNT_MINOR:
        message = f"The smallest purchase is {MINIMUM_AMOUNT_MINOR} paise (150 rupees)."
        raise BelowMinimum(message, field=["amountMinor"])
    if amount_minor > MAX_AMOUNT_MINOR:
        raise InvalidInput(f"The largest purchase is {MAX_AMOUNT_MINOR} paise.", field=["amountMinor"])
    bonus = max(pack.bonus_credits for pack in PACKS if pack.amount_minor <= amount_minor)
    return Quote(
        amount_minor=amount_minor,
        gst_minor=share(amount_minor, GST_BASIS_POINTS),
        platform_fee_minor=share(amount_minor, PLATFORM_FEE_BASIS_POINTS),
        credits=amount_minor // MINOR_PER_CREDIT + bonus,
        bonus_credits=bonus,
    )


def without_tax(quoted: Quote) -> Quote:
    """The quote of a sale by a merchant of record, who adds its own tax: ours and the platform fee fall away."""
    return replace(quoted, gst_minor=0, platform_fee_minor=0)


def quote(amount_minor: int | None, pack_code: str | None) -> Quote:
    """Quote a pack or a custom amount, exactly one of the two. BelowMinimum, InvalidInput."""
    if (amount_minor is None) == (pack_code is None):
        raise InvalidInput("Send either packCode or amountMinor.", field=["packCode"])
    if pack_code is None:
        return quote_amount(amount_minor or 0)
    pack = _PACKS_BY_CODE.get(pack_code)
    if pack is None:
        raise InvalidInput(f"No pack {pack_code!r}: see `packs`.", field=["packCode"])
    return quote_amount(pack.amount_minor)
