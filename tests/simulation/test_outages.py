"""The lanes when the database is away, in virtual time: who waits how long for what."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.lanes import Lanes
from db.link import RECONNECT_SECONDS, Link
from db.spends import SpendRequest, key_uuid
from domain.errors import Busy
from domain.ledger import Outcome
from tests.simulation.database import Database
from tests.simulation.faults import Fate, Faults
from tests.simulation.ledger import POISON, Ledger, Wallet
from tests.simulation.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.spends import Spent

HOUR_SECONDS = 3_600.0
MOMENT_SECONDS = 0.5
OUTAGE = Fate("outage", None, 0.001, ConnectionResetError("gone"), HOUR_SECONDS)
UNANSWERED = Fate("unanswered", 0.0, 0.001, ConnectionResetError("gone"))
WELL = Fate("well", 0.0, 0.001)


class Scripted(Faults):
    """Faults that come in a given order, and none after them."""

    def __init__(self, *fates: Fate) -> None:
        super().__init__(Random(0), 0.0)
        self._fates = list(fates)

    def statement(self) -> Fate:
        """The next fate."""
        return self._fates.pop(0) if self._fates else WELL


def database(*fates: Fate) -> Database:
    return Database(Ledger([Wallet(1, 1_000, 0)]), Scripted(*fates), [])


async def connected(served: Database, heard: list[Spent] | None = None) -> Lanes:
    committed = (heard if heard is not None else []).extend
    lanes = Lanes("simulated", committed, lambda url, known: Link(url, known, served.connect))
    await lanes.connect()
    return lanes


def spend(key: str, feature: str = "API_BASIC_REQUEST") -> SpendRequest:
    return SpendRequest(1, key, key_uuid(key), feature, 1, None, None, None, None)


async def timed(lanes: Lanes, requests: Sequence[SpendRequest]) -> tuple[list[object], float]:
    """What the callers are told, and after how many seconds the last of them is."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    told = await asyncio.gather(*map(lanes.spend, requests), return_exceptions=True)
    return [said.outcome if not isinstance(said, BaseException) else type(said) for said in told], loop.time() - start


def test_a_short_outage_is_not_seen() -> None:
    """A spend that meets a database which is back in time is posted, whatever the refusals until then."""

    async def story() -> None:
        served = database()
        lanes = await connected(served)
        served.go_down(RECONNECT_SECONDS - 2 * MOMENT_SECONDS)
        told, seconds = await timed(lanes, [spend("k")])
        assert (told, seconds < RECONNECT_SECONDS) == ([Outcome.POSTED], True)

    run_virtually(story())


@pytest.mark.parametrize("spends", [1, 20])
def test_callers_wait_no_longer_than_a_reconnection_may_take(spends: int) -> None:
    """In a long outage the first spends and those after them are told BUSY after the same time; then all is well."""

    async def story() -> None:
        served = database()
        lanes = await connected(served)
        served.go_down(HOUR_SECONDS)
        for round_number in range(5):
            told, seconds = await timed(lanes, [spend(f"{round_number}-{number}") for number in range(spends)])
            assert set(told) == {Busy}
            assert seconds < RECONNECT_SECONDS + MOMENT_SECONDS
        served.go_down(0)
        assert (await timed(lanes, [spend("k")]))[0] == [Outcome.POSTED]

    run_virtually(story())


def test_an_outage_among_requests_that_are_tried_alone_ends_the_trying() -> None:
    """When the database goes away while a poisoned batch is tried one by one, the rest is told BUSY together."""

    async def story() -> None:
        lanes = await connected(database(WELL, WELL, WELL, OUTAGE))
        requests = [spend(f"k{number}", POISON if number == 1 else "API_BASIC_REQUEST") for number in range(20)]
        told, seconds = await timed(lanes, requests)
        assert told == [Outcome.POSTED, asyncpg.CharacterNotInRepertoireError, *[Busy] * 18]
        assert seconds < RECONNECT_SECONDS + MOMENT_SECONDS

    run_virtually(story())


@pytest.mark.parametrize("spends", [1, 20])
def test_the_listener_hears_of_spends_whose_answer_was_lost(spends: int) -> None:
    """What was committed by a statement whose connection was cut is announced when it is sent again."""

    async def story() -> None:
        heard: list[Spent] = []
        lanes = await connected(database(UNANSWERED), heard)
        told, _ = await timed(lanes, [spend(f"k{number}") for number in range(spends)])
        assert told == [Outcome.REPLAYED] * spends
        assert [spent.request.idempotency_key for spent in heard] == [f"k{number}" for number in range(spends)]

    run_virtually(story())
