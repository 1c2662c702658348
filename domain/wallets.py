"""Rules of a wallet that need nothing but its figures."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

DEFAULT_LOW_BALANCE_THRESHOLD_CREDITS: Final = 200


class OwnerType(IntEnum):
    """Whose credits a wallet holds."""

    USER = 1
    """A person."""
    COMMUNITY = 2
    """A community."""
    ORGANIZATION = 3
    """A company or another organisation."""


def is_low_balance(available: int, threshold: int) -> bool:
    """Whether the available credits are below the low-balance threshold."""
    return available < threshold


def can_use_premium(available: int, *, frozen: bool) -> bool:
    """Whether features that cost credits can be used at all."""
    return available > 0 and not frozen


def crosses_low_balance(before: int, after: int, threshold: int) -> bool:
    """Whether a movement is the one that raises the alert: once per dip, armed again at or above the threshold."""
    return not is_low_balance(before, threshold) and is_low_balance(after, threshold)
