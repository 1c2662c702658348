"""Lots: credits given at one time, and the order in which spends use them up."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class LotSource(IntEnum):
    """Where the credits of a lot came from."""

    PURCHASED = 1
    BONUS = 2
    PROMOTIONAL = 3
    SUBSCRIPTION = 4
    GIFT = 5
    ADJUSTMENT = 6


DEFAULT_PRIORITY: Final = 50
PURCHASED_PRIORITY: Final = 100
"""Lower goes first, so what was given is used before what was paid for. The engine has these two figures as well."""

MAX_PRIORITY: Final = 1_000
