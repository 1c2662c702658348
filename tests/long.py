"""How far tests search: a little in every run, much further with COFFER_TEST_LONG=1 (`make test-long`)."""

from __future__ import annotations

import os


def examples(short: int, long: int) -> int:
    """How many examples or seeds to try in this run."""
    return long if os.environ.get("COFFER_TEST_LONG", "0") not in {"", "0"} else short
