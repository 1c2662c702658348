"""Waiting for what another task or server does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.05

T = TypeVar("T")


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return when the condition is met; TimeoutError after WAIT_SECONDS."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.005)


async def found(look: Callable[[], Awaitable[T]], is_wanted: Callable[[T], bool]) -> T:
    """What a look over the network finds, once it is wanted; TimeoutError after WAIT_SECONDS."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_wanted(seen := await look()):  # noqa: ASYNC110 - another process is looked at
            await asyncio.sleep(LOOK_SECONDS)
    return seen
