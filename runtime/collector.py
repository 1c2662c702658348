"""The garbage collector of a server that makes many short-lived objects beside millions that stay."""

from __future__ import annotations

import asyncio
import gc
import resource
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COLLECT_OBJECTS: Final = 50_000
"""New objects between two collections; the interpreter's default of 700 walks every waiting request again and again."""

YOUNG_SECONDS: Final = 0.1
"""Between two collections of what is new: with 10,000 streams and 500 events a second one takes 2 ms."""

FULL_GROWTH: Final = 1.5
"""Everything is walked when the most memory so far is this many times what it was then; a second for 10,000 streams."""

FULL_SECONDS: Final = 3_600.0
"""Everything is walked at least this often."""


def calm() -> None:
    """Leave alone what the start made, and collect seldom: a third less processor time a spend of a full lane."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_OBJECTS, 20, 50)


@asynccontextmanager
async def paced() -> AsyncIterator[None]:
    """Be calm, and for the length of the block collect by the clock.

    The interpreter counts what is made less what is freed. A stream that replaces its objects with each event counts as
    nothing, so its collections come seldom and walk hundreds of thousands of objects, for 60 to 250 ms.
    """
    calm()
    gc.disable()
    task = asyncio.create_task(_collect())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.enable()


async def _collect() -> None:
    loop = asyncio.get_running_loop()
    walked, peak = loop.time(), _peak()
    while True:
        await asyncio.sleep(YOUNG_SECONDS)
        if _peak() > FULL_GROWTH * peak or loop.time() > walked + FULL_SECONDS:
            gc.collect()
            walked, peak = loop.time(), _peak()
        else:
            gc.collect(1)


def _peak() -> int:
    """The most memory that the process has had so far, in the system's unit."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
