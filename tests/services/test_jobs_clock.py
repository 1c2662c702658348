"""The clock: periodic acts under leases."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from db import jobs as queries
from runtime.process import open_coffer
from runtime.scheduler import Periodic, run_once, run_periodic
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.conftest import Urls


@pytest.fixture
async def second(settings: Settings, urls: Urls) -> AsyncIterator[Coffer]:
    """What a second process on the same database works with."""
    async with open_coffer(settings, urls.database, urls.redis) as opened:
        yield opened


async def test_a_lease_has_one_holder(coffer: Coffer, second: Coffer) -> None:
    """Of two processes that want the same lease at once, one gets it; the holder may keep it."""

    async def take(process: Coffer, holder: str) -> bool:
        async with process.database.transaction() as session:
            return await queries.take_lease(session, "sweep", holder, 60)

    taken = await asyncio.gather(*(take(process, str(number)) for number, process in enumerate([coffer, second] * 4)))
    assert sum(taken) == 1
    holder = str(taken.index(True))
    assert await take(coffer, holder)
    assert not await take(coffer, "stranger")


async def test_a_passed_lease_can_be_taken(coffer: Coffer) -> None:
    """When a holder dies, its lease goes to the next who asks after it has passed."""
    async with coffer.database.transaction() as session:
        assert await queries.take_lease(session, "sweep", "first", -1)
        assert await queries.take_lease(session, "sweep", "second", 60)


async def test_a_periodic_act_runs_in_one_process(coffer: Coffer, second: Coffer) -> None:
    """While one process holds an act's lease, another does not run it."""
    runs: list[str] = []

    async def act(_coffer: Coffer) -> None:
        runs.append("run")

    task = Periodic("sweep", 60, act)
    assert await run_once(coffer, task, "first")
    assert not await run_once(second, task, "second")
    assert await run_once(coffer, task, "first")
    assert len(runs) == 2


async def test_the_clock_goes_on_after_a_fault_and_gives_up_its_leases(coffer: Coffer) -> None:
    """An act that raises comes again next period, and after a stop others may run it at once."""
    runs: list[str] = []

    async def act(_coffer: Coffer) -> None:
        runs.append("run")
        raise ValueError("a bad day")

    task = Periodic("sweep", 0.01, act)
    clock = asyncio.create_task(run_periodic(coffer, [task]))
    await until(lambda: len(runs) >= 3)
    clock.cancel()
    await asyncio.gather(clock, return_exceptions=True)
    with pytest.raises(ValueError, match="a bad day"):
        await run_once(coffer, task, "another")


async def test_a_clock_ends_though_an_act_swallows_its_cancellation(coffer: Coffer) -> None:
    """A cancelled clock ends when its act does, even if the act took the cancellation for a fault of its own."""
    begun = asyncio.Event()

    async def act(_coffer: Coffer) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    clock = asyncio.create_task(run_periodic(coffer, [Periodic("sweep", 60, act)]))
    await begun.wait()
    clock.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(clock, return_exceptions=True)
