"""Lots: credits given at one time, and the order in which spends use them up."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class LotSource(IntEnum):
    """Where the credits of a lot came from."""

    PURCHASED = 1
    """Bought."""
    BONUS = 2
    """Given with a purchase or by hand."""
    PROMOTIONAL = 3
    """Given for a promotion."""
    SUBSCRIPTION = 4
    """Given by a subscription."""
    GIFT = 5
    """Claimed from a gift."""
    ADJUSTMENT = 6
    """A correction by hand."""


DEFAULT_PRIORITY: Final = 50
PURCHASED_PRIORITY: Final = 100
"""Lower goes first, so what was given is used before what was paid for. The engine has these two figures as well."""

MAX_PRIORITY: Final = 1_000
