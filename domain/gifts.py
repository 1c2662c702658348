"""States of a gift: credits that left one wallet and wait to be claimed by another."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class GiftStatus(IntEnum):
    """Where a gift stands; only a PENDING one can be claimed or revoked."""

    PENDING = 1
    """Can be claimed."""
    CLAIMED = 2
    """The credits are in another wallet."""
    REVOKED = 3
    """The giver took it back."""
    EXPIRED = 4
    """Nobody claimed it in time; the credits went back."""


MAX_GIFT_SECONDS: Final = 365 * 24 * 3600
MAX_MESSAGE_CHARACTERS: Final = 500
