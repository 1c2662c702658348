"""The garbage collector of a server that makes many short-lived objects beside many that stay."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_OBJECTS: Final = 50_000
"""New objects between two collections; the interpreter's default of 700 walks every waiting request again and again."""


def calm() -> None:
    """Leave alone what the start made, and collect seldom: a third less processor time a spend of a full lane."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_OBJECTS, 20, 50)
