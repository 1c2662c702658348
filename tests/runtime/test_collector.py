"""The paced garbage collector."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from runtime import collector

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_ENOUGH_SECONDS = 10.0


class Node:
    """One that can be part of a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    """The collector of the other tests is not ours."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def test_a_cycle_goes_by_the_clock() -> None:
    """A cycle that nobody holds is freed although hardly anything is made meanwhile."""
    freed = asyncio.Event()
    async with collector.paced():
        weakref.finalize(Node(), freed.set)
        await asyncio.wait_for(freed.wait(), LONG_ENOUGH_SECONDS)


async def test_an_old_cycle_goes_when_memory_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle that has survived a collection is freed by the full one, which a higher peak of memory calls for."""
    freed = asyncio.Event()
    async with collector.paced():
        node = Node()
        gc.collect(1)
        weakref.finalize(node, freed.set)
        del node
        monkeypatch.setattr(collector, "FULL_GROWTH", 0.5)
        await asyncio.wait_for(freed.wait(), LONG_ENOUGH_SECONDS)


async def test_the_interpreter_collects_again_afterwards() -> None:
    """After the block the interpreter collects by itself as before."""
    async with collector.paced():
        assert not gc.isenabled()
    assert gc.isenabled()
