"""The words of the ledger: kinds of movement, the accounts between which credits move, and what the engine answers."""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import Final


class TransactionType(IntEnum):
    """Why credits moved."""

    CREDIT_PURCHASE = 1
    """Credits were bought."""
    USAGE_DEDUCTION = 2
    """A feature was used."""
    BONUS_CREDIT = 3
    """Credits were given."""
    REFUND = 4
    """Bought credits went back with their money."""
    PAYOUT_HOLD = 5
    """Credits were held back from a payout."""
    PAYOUT_RELEASE = 6
    """Credits held back from a payout are free again."""
    ADMIN_ADJUSTMENT = 7
    """Somebody corrected the balance by hand."""
    HOLD = 8
    """Credits were set aside."""
    HOLD_RELEASE = 9
    """Credits that were set aside are free again."""
    HOLD_CAPTURE = 10
    """Credits that were set aside were spent."""
    EXPIRY = 11
    """Credits came to their end unspent."""
    TRANSFER = 12
    """Credits moved between two wallets."""
    SUBSCRIPTION_GRANT = 13
    """A subscription gave credits."""


class Account(IntEnum):
    """One side of a movement: a bucket of the wallet (below 10; DEBT is what it owes) or an account of the project."""

    AVAILABLE = 1
    """Can be spent."""
    RESERVED = 2
    """Set aside by holds."""
    LOCKED = 3
    """Held back from payouts."""
    PENDING = 4
    """On their way in."""
    DEBT = 5
    """What the wallet owes."""
    ISSUED = 10
    """Credits that were sold."""
    PROMOTIONS = 11
    """Credits that were given."""
    USAGE_REVENUE = 12
    """Credits that were spent."""
    REFUNDS = 13
    """Credits whose money went back."""
    PAYOUTS = 14
    """Credits that were paid out."""
    BREAKAGE = 15
    """Credits that expired."""
    ADJUSTMENTS = 16
    """Corrections by hand."""
    TRANSFERS = 17
    """Credits between two wallets of the project."""
    GIFTS = 18
    """Credits in gifts that nobody has claimed yet."""


class TransactionSource(IntEnum):
    """Which act of the API or of the system wrote the transaction."""

    CONSUME = 1
    PURCHASE = 2
    GRANT = 3
    REFUND = 4
    ADJUSTMENT = 5
    HOLD = 6
    EXPIRY = 7
    PAYOUT = 8
    TRANSFER = 9
    GIFT = 10
    ACTIVATION = 11
    DEBT = 12


class Outcome(IntEnum):
    """What the posting engine answers for one request; all but POSTED and REPLAYED are refusals."""

    POSTED = 0
    REPLAYED = 1
    INSUFFICIENT_CREDITS = 2
    DAILY_CAP_REACHED = 3
    NO_WALLET = 4
    KEY_CONFLICT = 5
    PRICE_MISMATCH = 6
    UNKNOWN_FEATURE = 7
    FROZEN = 8
    INVALID_STATE = 9
    INVALID_AMOUNT = 10
    NO_HOLD = 11
    CAP_REACHED = 12
    NO_GIFT = 13
    NO_METRIC = 14
    METRIC_ARCHIVED = 15
    OUTSIDE_WINDOW = 16
    NO_FEATURE = 17


ROUTES: Final[dict[TransactionType, tuple[Account, Account]]] = {
    TransactionType.CREDIT_PURCHASE: (Account.ISSUED, Account.AVAILABLE),
    TransactionType.BONUS_CREDIT: (Account.PROMOTIONS, Account.AVAILABLE),
    TransactionType.USAGE_DEDUCTION: (Account.AVAILABLE, Account.USAGE_REVENUE),
    TransactionType.REFUND: (Account.AVAILABLE, Account.REFUNDS),
    TransactionType.HOLD: (Account.AVAILABLE, Account.RESERVED),
    TransactionType.HOLD_RELEASE: (Account.RESERVED, Account.AVAILABLE),
    TransactionType.HOLD_CAPTURE: (Account.RESERVED, Account.USAGE_REVENUE),
}
"""From which account to which each kind of movement goes."""


def adjustment_route(credits: int) -> tuple[Account, Account]:
    """The accounts of an admin adjustment: a positive figure gives credits, a negative one takes them."""
    given = (Account.ADJUSTMENTS, Account.AVAILABLE)
    return given if credits > 0 else (given[1], given[0])


CLIENT_KEY: Final = b"client"
SYSTEM_KEY: Final = b"system"


def key_hash(key: str, space: bytes = CLIENT_KEY) -> bytes:
    """The 16 bytes under which a wallet remembers a key for ever; a client's key never meets one of the system's."""
    return blake2b(key.encode(), digest_size=16, person=space).digest()
