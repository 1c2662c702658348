"""States of a hold: credits set aside for work whose price is known only when it is done."""

from __future__ import annotations

from enum import IntEnum


class HoldStatus(IntEnum):
    """Where a hold stands; only an ACTIVE one has credits set aside."""

    ACTIVE = 1
    CAPTURED = 2
    RELEASED = 3
    EXPIRED = 4
