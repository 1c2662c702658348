"""States of a hold: credits set aside for work whose price is known only when it is done."""

from __future__ import annotations

from enum import IntEnum


class HoldStatus(IntEnum):
    """Where a hold stands; only an ACTIVE one has credits set aside."""

    ACTIVE = 1
    CAPTURED = 2
    RELEASED = 3
    EXPIRED = 4


class HoldKind(IntEnum):
    """What credits are set aside for: a spend to come (reserved) or a payout to come (locked)."""

    SPEND = 1
    PAYOUT = 2


class Overflow(IntEnum):
    """What a capture of more than the hold has left does: take what is left, or nothing."""

    CAP = 1
    """Take what is left."""
    REJECT = 2
    """Take nothing and refuse."""
