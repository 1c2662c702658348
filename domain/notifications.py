"""What owners are told by e-mail, and which addresses can be written to."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from domain.errors import InvalidInput

MAX_ADDRESS_CHARACTERS: Final = 254
"""Source: RFC 5321's limit on a path."""

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class NotificationKind(IntEnum):
    """What an e-mail is about; an owner chooses which of them to get."""

    PURCHASE = 1
    """Credits were bought."""
    PAYMENT_FAILED = 2
    """A payment came to nothing."""
    REFUND = 3
    """Money went back."""
    LOW_BALANCE = 4
    """The credits fell below the wallet's threshold."""
    AUTO_RECHARGE = 5
    """Credits were bought automatically, or that waits for the owner's approval."""
    DUNNING = 6
    """An automatic payment failed, or auto-recharge was turned off."""
    PAYOUT = 7
    """Credits were paid out, or could not be."""
    SUBSCRIPTION = 8
    """A subscription ended."""


def check_address(address: str) -> None:
    """Raise InvalidInput unless mail can be sent to the address."""
    if len(address) > MAX_ADDRESS_CHARACTERS or not _ADDRESS.fullmatch(address):
        raise InvalidInput("email is an address such as asha@example.com.", field=["email"])
