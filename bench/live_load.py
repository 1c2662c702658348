"""The load of the live feed's benchmark: spends of this process, what they left, and what clients were told."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from db.lanes import Lanes
from db.spends import SpendRequest, Spent, key_uuid
from live.hub import Hub
from services.feed import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bench.watchers import Heard

SPENDS_PER_SECOND: Final = 500
TICK_SECONDS: Final = 0.01
PLAIN: Final = 1_000_000
"""The first number of the plain relay's clients."""

PLAIN_SOCKETS: Final = 2_000
RIGHT_SECONDS: Final = 30.0
"""How long the run waits for the last client to be right; the goal is 6."""


class Books:
    """What was committed, by the process that committed it, and what each client was told of it."""

    def __init__(self, wallets: list[int]) -> None:
        self.wallets = wallets
        self.committed = dict.fromkeys(wallets, 1)
        self.told = dict.fromkeys(wallets, 0)
        self.when: dict[tuple[int, int], float] = {}
        self.delays: list[float] = []
        self.paired: list[float] = []
        """Delays of the wallets that the plain relay has as well."""
        self.plain: list[float] = []

    def spent(self, batch: list[Spent]) -> None:
        """Take a committed batch."""
        now = time.perf_counter()
        for item in batch:
            wallet, sequence = item.request.wallet_id, item.wallet.sequence
            self.committed[wallet] = max(self.committed[wallet], sequence)
            self.when[wallet, sequence] = now

    def heard(self, events: Sequence[Heard]) -> None:
        """Take events: a client's number is the place of its wallet, from PLAIN on at the plain relay."""
        for number, sequence, came in events:
            place = number % PLAIN
            wallet = self.wallets[place]
            committed = self.when.get((wallet, sequence))
            if number < PLAIN:
                self.told[wallet] = sequence
            if committed is not None:
                self._count(number, came - committed)

    def _count(self, number: int, seconds: float) -> None:
        if number >= PLAIN:
            self.plain.append(seconds)
            return
        self.delays.append(seconds)
        if number < PLAIN_SOCKETS:
            self.paired.append(seconds)

    def forget_delays(self) -> None:
        """Begin to measure."""
        for delays in (self.delays, self.paired, self.plain):
            delays.clear()

    def wrong(self) -> int:
        """How many clients do not have the newest state."""
        return sum(self.told[wallet] != sequence for wallet, sequence in self.committed.items())


@asynccontextmanager
async def spending(database_url: str, redis_url: str, books: Books) -> AsyncIterator[Lanes]:
    """Lanes of this process, whose commits go to the books and to the feed."""
    hub = Hub(redis_url)
    feed = Feed(hub)

    def committed(batch: list[Spent]) -> None:
        books.spent(batch)
        feed.spent(batch)

    lanes = Lanes(database_url, committed)
    await hub.connect()
    await lanes.connect()
    try:
        yield lanes
    finally:
        await lanes.close()
        await feed.drain()
        await hub.disconnect()


async def spend_steadily(lanes: Lanes, wallets: list[int]) -> None:
    """SPENDS_PER_SECOND spread over the wallets, until cancelled."""
    started, sent = time.perf_counter(), 0
    while True:
        await asyncio.sleep(TICK_SECONDS)
        while sent < (time.perf_counter() - started) * SPENDS_PER_SECOND:
            sent += 1
            lanes.spend(spend_request(random.choice(wallets)))


def spend_request(wallet: int) -> SpendRequest:
    """A spend with a key of its own."""
    key = f"live-{time.perf_counter_ns()}-{wallet}"
    return SpendRequest(wallet, key, key_uuid(key), "API_BASIC_REQUEST", 1, None, None, None, None)


@asynccontextmanager
async def loaded(lanes: Lanes, wallets: list[int]) -> AsyncIterator[None]:
    """Spend for the length of the block."""
    task = asyncio.create_task(spend_steadily(lanes, wallets))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def all_right(books: Books) -> float:
    """Seconds until every client has the newest state."""
    started = time.perf_counter()
    while books.wrong() and time.perf_counter() - started < RIGHT_SECONDS:  # noqa: ASYNC110 - clients have no event
        await asyncio.sleep(TICK_SECONDS)
    return time.perf_counter() - started
