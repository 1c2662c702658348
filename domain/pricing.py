"""Prices of features: categories, what counts as premium, and what may be published."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput
from domain.limits import MAX_PRICE_CREDITS

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PRICES: Final = 500
"""Features of one pricing matrix."""

FEATURE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


class UsageCategory(IntEnum):
    """The family a feature belongs to."""

    COMMUNITY = 1
    """Running a community."""
    API = 2
    """Calls of an API."""
    QUEUE = 3
    """Mails, notifications and scheduled work."""
    WEBHOOK = 4
    """Webhooks sent for the customer."""
    STORAGE = 5
    """Stored files and media."""
    AI = 6
    """Work of language models."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a feature costs, in credits."""

    feature: str
    category: UsageCategory
    credits: int


def is_premium(category: int, credits: int) -> bool:
    """Premium is every feature that costs credits, except those of the community category."""
    return credits > 0 and category != UsageCategory.COMMUNITY


def validate_matrix(prices: Sequence[Price]) -> None:
    """Raise InvalidInput unless the prices can be published as one version of the matrix."""
    if not 1 <= len(prices) <= MAX_PRICES:
        raise InvalidInput(f"Send 1 to {MAX_PRICES} prices.", field=["prices"])
    seen: set[str] = set()
    for index, price in enumerate(prices):
        _validate_price(price, ["prices", str(index)])
        if price.feature in seen:
            raise InvalidInput(f"{price.feature} is listed twice.", field=["prices", str(index), "feature"])
        seen.add(price.feature)


def _validate_price(price: Price, path: list[str]) -> None:
    if not FEATURE_NAME.fullmatch(price.feature):
        message = "A feature is 2 to 64 capital letters, digits and underscores, and starts with a letter."
        raise InvalidInput(message, field=[*path, "feature"])
    if not 0 <= price.credits <= MAX_PRICE_CREDITS:
        raise InvalidInput(f"A price is 0 to {MAX_PRICE_CREDITS} credits.", field=[*path, "credits"])
