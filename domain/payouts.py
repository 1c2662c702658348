"""Payouts whose money Coffer sends itself: to whom, for how much, and where each stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from domain.errors import InvalidInput
from domain.inputs import check_text
from domain.limits import MAX_AMOUNT_MINOR
from domain.purchases import MINOR_PER_CREDIT

MINIMUM_PAYOUT_MINOR: Final = 100
"""Paise: no bank transfer is smaller than a rupee (Cashfree Payouts, 2024-01-01)."""

MAX_NAME_CHARACTERS: Final = 100
SHOWN_CHARACTERS: Final = 4
"""Of an account number or the name before a UPI address's @; nothing else of it is kept."""

_NAME: Final = re.compile(r"[A-Za-z ]+")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9]{9,18}")
_IFSC: Final = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")
_VPA: Final = re.compile(r"[A-Za-z0-9._-]{2,80}@[A-Za-z0-9._]{2,60}")


class BeneficiaryStatus(IntEnum):
    """Whether money can be sent to a beneficiary."""

    PENDING = 1
    """The provider is verifying the account."""
    VERIFIED = 2
    """Money can be sent."""
    REFUSED = 3
    """The provider does not send money there."""
    REMOVED = 4
    """The project removed it."""


class PayoutStatus(IntEnum):
    """Where the money of a payout stands."""

    REQUESTED = 1
    """Its credits are locked; the provider has not answered yet."""
    PENDING = 2
    """The provider has taken it in."""
    SUCCEEDED = 3
    """The money was sent, and the credits have left the wallet."""
    FAILED = 4
    """It came to nothing, and the credits are back."""
    REVERSED = 5
    """The money was sent and came back from the bank, and the credits are back."""


OPEN: Final = frozenset({PayoutStatus.REQUESTED, PayoutStatus.PENDING})
ENDED: Final = frozenset({PayoutStatus.FAILED, PayoutStatus.REVERSED})
"""What never changes again; a payout that succeeded can still be reversed."""


@dataclass(frozen=True, slots=True)
class BankDetails:
    """Where a beneficiary is paid: a bank account with its IFSC, or a UPI address."""

    account_number: str | None = None
    ifsc: str | None = None
    vpa: str | None = None

    @property
    def label(self) -> str:
        """What may be kept and shown of it."""
        if self.vpa is not None:
            name, _, bank = self.vpa.partition("@")
            return f"{name[:SHOWN_CHARACTERS]}…@{bank}"
        return f"…{(self.account_number or '')[-SHOWN_CHARACTERS:]} {self.ifsc}"


def check_beneficiary(name: str, details: BankDetails) -> None:
    """Raise InvalidInput unless a bank takes the name and the details (source: Cashfree Payouts, 2024-01-01)."""
    check_text(name, "name", MAX_NAME_CHARACTERS)
    if not _NAME.fullmatch(name):
        raise InvalidInput("name has letters and spaces only, as at the bank.", field=["name"])
    check_details(details)


def check_details(details: BankDetails) -> None:
    """Raise InvalidInput unless it is a bank account with its IFSC, or a UPI address."""
    if (details.vpa is None) == (details.account_number is None):
        raise InvalidInput("Send either accountNumber with ifsc, or vpa.", field=["accountNumber"])
    if details.vpa is not None:
        _require(_VPA, details.vpa, "vpa", "a UPI address such as asha@okbank")
        return
    _require(_ACCOUNT, details.account_number or "", "accountNumber", "9 to 18 letters and digits")
    _require(_IFSC, details.ifsc or "", "ifsc", "4 letters, a 0 and 6 letters or digits")


def payout_minor(credits: int) -> int:
    """What credits are paid out for, in paise: their list price. InvalidInput below a rupee or above the limit."""
    amount_minor = credits * MINOR_PER_CREDIT
    if not MINIMUM_PAYOUT_MINOR <= amount_minor <= MAX_AMOUNT_MINOR:
        least, most = MINIMUM_PAYOUT_MINOR // MINOR_PER_CREDIT, MAX_AMOUNT_MINOR // MINOR_PER_CREDIT
        raise InvalidInput(f"Pay out {least} to {most} credits at once.", field=["credits"])
    return amount_minor


def next_status(now: PayoutStatus, told: PayoutStatus) -> PayoutStatus | None:
    """Where a payout goes by what its provider says; None when that is no news.

    ValueError when it can't be: a payout that came to nothing, and whose credits are back, was sent after all.
    """
    if told is PayoutStatus.SUCCEEDED and now in ENDED:
        raise ValueError(f"The payout was {now.name}, and now it is {told.name}.")
    if told <= now or now in ENDED:
        return None
    return PayoutStatus.REVERSED if now is PayoutStatus.SUCCEEDED else told


def _require(pattern: re.Pattern[str], value: str, field: str, meaning: str) -> None:
    if not pattern.fullmatch(value):
        raise InvalidInput(f"{field} is {meaning}.", field=[field])
