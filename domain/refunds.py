"""Money that goes back: refunds, disputes, and what of a purchase each of them takes."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from domain.purchases import Quote


class RefundStatus(IntEnum):
    """Where a refund stands."""

    REQUESTED = 1
    """Its credits were taken; the provider has not answered yet."""
    PENDING = 2
    """The provider has taken it in."""
    SUCCEEDED = 3
    """The money went back."""
    FAILED = 4
    """It came to nothing, and its credits are back."""


class RefundOrigin(IntEnum):
    """Who began a refund."""

    PROJECT = 1
    """refundPurchase."""
    PROVIDER = 2
    """Somebody at the payment provider, or the provider itself."""
    DISPUTE = 3
    """A dispute that was lost."""


class DisputeStatus(IntEnum):
    """Where a dispute stands."""

    OPEN = 1
    """Not decided; what is left of the purchase's credits is out of the wallet."""
    WON = 2
    """The money stays, and the credits are back."""
    LOST = 3
    """The money went back to the buyer, and the credits are taken."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a purchase: paise, and credits (bonus included)."""

    amount_minor: int = 0
    gst_minor: int = 0
    platform_fee_minor: int = 0
    credits: int = 0
    bonus_credits: int = 0

    @property
    def total_minor(self) -> int:
        """What the buyer gets back."""
        return self.amount_minor + self.gst_minor + self.platform_fee_minor

    def __add__(self, other: Share) -> Share:
        """Both together."""
        return Share(*map(sum, zip(astuple(self), astuple(other), strict=True)))


NOTHING: Final = Share()


def share_of_amount(bought: Quote, taken: Share, amount_minor: int) -> Share:
    """The part that belongs to some of the amount, such that parts add up to the whole, to the paisa and the credit.

    Each figure is its rounded share of all that is taken with this part, less what was taken before. InvalidInput
    unless the amount is 1 to what is left.
    """
    left = bought.amount_minor - taken.amount_minor
    if not 1 <= amount_minor <= left:
        raise InvalidInput(f"Refund 1 to {left} paise.", field=["amountMinor"])
    upto = (taken.amount_minor + amount_minor, bought.amount_minor)
    gst = _part(bought.gst_minor, taken.gst_minor, upto)
    fee = _part(bought.platform_fee_minor, taken.platform_fee_minor, upto)
    return Share(amount_minor, gst, fee, *_credits(bought, taken, upto))


def share_of_total(bought: Quote, taken: Share, total_minor: int) -> Share:
    """The part that belongs to some of the money paid, as a provider tells it; at most what is left."""
    if taken.total_minor + total_minor >= bought.total_minor:
        return _rest(bought, taken)
    upto = (taken.total_minor + total_minor, bought.total_minor)
    gst = _part(bought.gst_minor, taken.gst_minor, upto)
    fee = _part(bought.platform_fee_minor, taken.platform_fee_minor, upto)
    amount = min(max(total_minor - gst - fee, 0), bought.amount_minor - taken.amount_minor)
    return Share(amount, gst, fee, *_credits(bought, taken, upto))


def _rest(bought: Quote, taken: Share) -> Share:
    return Share(
        bought.amount_minor - taken.amount_minor,
        bought.gst_minor - taken.gst_minor,
        bought.platform_fee_minor - taken.platform_fee_minor,
        bought.credits - taken.credits,
        bought.bonus_credits - taken.bonus_credits,
    )


def _credits(bought: Quote, taken: Share, upto: tuple[int, int]) -> tuple[int, int]:
    bonus = _part(bought.bonus_credits, taken.bonus_credits, upto)
    paid = _part(bought.credits - bought.bonus_credits, taken.credits - taken.bonus_credits, upto)
    return paid + bonus, bonus


def _part(whole: int, taken: int, upto: tuple[int, int]) -> int:
    """The share of a figure up to a fraction, rounded half up, less what was taken of it."""
    numerator, denominator = upto
    share = (2 * whole * numerator + denominator) // (2 * denominator)
    return max(share - taken, 0)
