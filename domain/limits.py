"""The sizes that input and money may have, each with its unit; one place so that every layer refuses the same."""

from typing import Final

MAX_CREDITS: Final = 2**53 - 1
"""Credits: the largest whole number that a JSON reader keeps exactly."""

MAX_PRICE_CREDITS: Final = 1_000_000_000
MAX_UNITS: Final = 1_000_000
"""Units of one spend. MAX_PRICE_CREDITS * MAX_UNITS * MAX_BATCH_ITEMS stays below 2^63."""

MAX_BATCH_ITEMS: Final = 1_000
MAX_KEY_CHARACTERS: Final = 255
MAX_NAME_CHARACTERS: Final = 255
MAX_REASON_CHARACTERS: Final = 500
MAX_METADATA_BYTES: Final = 4_096
MAX_METADATA_NUMBER: Final = 2**63 - 1
MAX_PAGE_ITEMS: Final = 100
DEFAULT_PAGE_ITEMS: Final = 50
MAX_HOLD_SECONDS: Final = 30 * 24 * 3600
MAX_AMOUNT_MINOR: Final = 1_000_000_000
"""Paise of one purchase (one crore rupees)."""
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999
"""Of days and of times that callers name: clocks show no others, and the calendar does not end beside them."""
