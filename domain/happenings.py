"""What happens to purchases that other parts of Coffer act on."""

from __future__ import annotations

from enum import StrEnum


class Happening(StrEnum):
    """One change of a purchase, told once, in the transaction that makes it."""

    PURCHASE_SUCCEEDED = "purchase.succeeded"
    """The money came and the credits are granted."""
    PURCHASE_FAILED = "purchase.failed"
    """An attempt came to nothing; another may follow."""
    REFUND_REQUESTED = "refund.requested"
    """Credits were taken for money that is to go back."""
    REFUND_SUCCEEDED = "refund.succeeded"
    """The money went back."""
    REFUND_FAILED = "refund.failed"
    """It did not, or the bank sent it back later; the credits are back."""
    DISPUTE_OPENED = "dispute.opened"
    """The buyer's bank asks for the money; what is left of the credits is frozen."""
    DISPUTE_WON = "dispute.won"
    """The money stays."""
    DISPUTE_LOST = "dispute.lost"
    """The money went back; the refund of it is told as well."""
