"""The clock: periodic acts, each under a lease, so that two processes never do one at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog

from db import jobs as queries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from services.coffer import Coffer

LEASE_MARGIN_SECONDS: Final = 30.0
"""A lease outlives its period by this much, so the same process keeps the work while it is well."""

ACT_MARGIN_SECONDS: Final = 20.0
"""An act may outlast its period by this much: less than its lease does, so nobody else begins meanwhile."""

RELEASE_SECONDS: Final = 2.0

_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Periodic:
    """An act and how often it runs."""

    name: str
    every_seconds: float
    act: Callable[[Coffer], Awaitable[None]]


async def run_periodic(coffer: Coffer, tasks: Sequence[Periodic]) -> None:
    """Run each act by its period until cancelled; then others can have the leases at once."""
    holder = uuid4().hex
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(_repeat(coffer, task, holder))
    finally:
        await _give_up(coffer, holder)


async def run_once(coffer: Coffer, task: Periodic, holder: str) -> bool:
    """Do the act if its lease can be had; whether it was done."""
    async with coffer.database.transaction() as session:
        mine = await queries.take_lease(session, task.name, holder, task.every_seconds + LEASE_MARGIN_SECONDS)
    if mine:
        async with asyncio.timeout(task.every_seconds + ACT_MARGIN_SECONDS):
            await task.act(coffer)
    return mine


async def _repeat(coffer: Coffer, task: Periodic, holder: str) -> None:
    repeating = asyncio.current_task()
    while True:
        try:
            await run_once(coffer, task, holder)
        except Exception:  # noqa: BLE001 - the next period comes whatever happened
            _log.exception("periodic.failed", name=task.name)
        # redis-py's pipelines at times swallow the cancellation that is to end this, so it is asked for as well.
        if repeating and repeating.cancelling():
            return
        await asyncio.sleep(task.every_seconds)


async def _give_up(coffer: Coffer, holder: str) -> None:
    try:
        async with asyncio.timeout(RELEASE_SECONDS), coffer.database.transaction() as session:
            await queries.give_up_leases(session, holder)
    except Exception:  # noqa: BLE001 - they pass by themselves
        _log.exception("leases.not_given_up")
