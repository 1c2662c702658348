"""Reads that thousands of streams make at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from db.gathering import Gathered
from db.live_reads import MISSED_TRANSACTIONS
from domain.permissions import Role
from services.grants import grant_credits
from services.keys import issue_key, revoke_key
from services.requests import GrantRequest
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.coffer import Coffer

MOST = 100


class Slow:
    """A read that counts, and that a test lets go on."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go = asyncio.Event()
        self.under_way = 0

    async def read(self, keys: Sequence[int]) -> dict[int, int]:
        """Twice the even keys."""
        self.asked.append(len(keys))
        self.under_way += 1
        assert self.under_way == 1
        await self.go.wait()
        self.under_way -= 1
        return {key: key * 2 for key in keys if key % 2 == 0}


async def test_a_crowd_is_read_in_few_queries_one_at_a_time() -> None:
    """A thousand that ask at once for 250 keys are three queries, never two at a time, and each gets its own answer."""
    slow = Slow()
    gathered = Gathered(slow.read, MOST)
    slow.go.set()
    found = await asyncio.gather(*(gathered.get(number % 250) for number in range(1_000)))
    assert slow.asked == [100, 100, 50]
    assert found == [None if number % 2 else number % 250 * 2 for number in range(1_000)]


async def test_who_asks_during_a_read_gets_a_later_one() -> None:
    """A read that has begun does not answer who asks now: it may be too old."""
    slow = Slow()
    gathered = Gathered(slow.read, MOST)
    first = asyncio.create_task(gathered.get(2))
    while not slow.asked:  # noqa: ASYNC110 - the read has no event
        await asyncio.sleep(0)
    second = asyncio.create_task(gathered.get(2))
    await asyncio.sleep(0)
    slow.go.set()
    assert (await first, await second, slow.asked) == (4, 4, [1, 1])


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    """Of two that asked for one key, the one that stays is answered."""
    slow = Slow()
    gathered = Gathered(slow.read, MOST)
    leaves, stays = asyncio.create_task(gathered.get(2)), asyncio.create_task(gathered.get(2))
    while not slow.asked:  # noqa: ASYNC110 - the read has no event
        await asyncio.sleep(0)
    leaves.cancel()
    slow.go.set()
    assert await stays == 4


async def test_a_fault_reaches_everybody_who_asked_and_nobody_later() -> None:
    """All that waited for a read that failed hear of it, and the next read is made anew."""
    faults = [OSError("gone")]

    async def read(keys: Sequence[int]) -> dict[int, int]:
        await asyncio.sleep(0)
        if faults:
            raise faults.pop()
        return dict.fromkeys(keys, 1)

    gathered = Gathered(read, MOST)
    heard = await asyncio.gather(gathered.get(1), gathered.get(2), return_exceptions=True)
    assert [type(fault) for fault in heard] == [OSError, OSError]
    assert await gathered.get(1) == 1


@pytest.fixture
def rows() -> int:
    """More than one read brings."""
    return MISSED_TRANSACTIONS + 5


async def test_each_stream_reads_what_it_missed(coffer: Coffer, rows: int) -> None:
    """Streams of two wallets, and two of one wallet at different places, get their own rows in order."""
    actor = await owner_of(coffer)
    one, two = await wallet_with(coffer, actor, 5), await wallet_with(coffer, actor, 7)
    for _ in range(rows):
        await grant_credits(coffer, actor, GrantRequest(one.uuid, 1, "more", uuid4().hex))
    missed = coffer.database.live_reads.missed.get
    asked = [(one.id, 0), (one.id, rows), (two.id, 0), (two.id, 1)]
    found = await asyncio.gather(*(missed(key) for key in asked))
    numbers = [[row.sequence for row in part or []] for part in found]
    assert numbers == [list(range(1, MISSED_TRANSACTIONS + 1)), [rows + 1], [1], []]
    assert {row.wallet_uuid for row in found[2] or []} == {two.uuid}


async def test_revoked_keys_are_told_from_good_ones(coffer: Coffer) -> None:
    """Streams of a revoked key and of a good one, asking together, each learn what their own key is."""
    owner, doomed = await owner_of(coffer), await issue_key(coffer.database, "test", Role.VIEWER)
    await revoke_key(coffer, owner, doomed.key.uuid)
    revoked = coffer.database.live_reads.revoked.get
    assert tuple(await asyncio.gather(revoked(doomed.key.id), revoked(owner.api_key_id or 0))) == (True, None)


async def test_a_wallet_of_another_project_is_not_found(coffer: Coffer) -> None:
    """A uuid names a wallet in its own project alone."""
    wallet = await wallet_with(coffer, await owner_of(coffer), 1)
    named = coffer.database.live_reads.named.get
    found, other = await asyncio.gather(named((wallet.project_id, wallet.uuid)), named((99, wallet.uuid)))
    assert (found and found.id, other) == (wallet.id, None)
