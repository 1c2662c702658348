"""Lanes: how spends reach the posting engine fast.

A lane serves the wallets whose ids hash to it. A request is sent at once when the lane is idle; while it works, the
next ones gather and go as one batch with one commit. Every caller gets its own answer. A lane has a second connection
for when a whole batch waits: it is sent while the database still works on the first, and then starts without a pause.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog

from db.known_wallets import KnownWallets
from db.link import BATCH_REQUESTS, Link
from db.outages import CONNECTION_FAULTS
from domain.errors import Busy
from domain.ledger import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from db.spends import SpendRequest, Spent

LANES: Final = 2
LINKS: Final = 2
QUEUE_REQUESTS: Final = 20_000
"""Waiting requests of one lane; beyond it callers are told to come back (BUSY)."""

_NEWS: Final = {Outcome.POSTED}
_NEWS_AGAIN: Final = {Outcome.POSTED, Outcome.REPLAYED}

_log: Final = structlog.get_logger()

Waiting = tuple["SpendRequest", "asyncio.Future[Spent]"]


class Lanes:
    """The lanes of one process. `committed` is called with what each batch posted, right after its commit.

    Of a batch that had to be sent again it gets the replays too, since the first time may have posted them.
    """

    def __init__(
        self,
        database_url: str,
        committed: Callable[[list[Spent]], None],
        link: Callable[[str, KnownWallets], Link] = Link,
    ) -> None:
        known = KnownWallets()
        self._lanes = [Lane([link(database_url, known) for _ in range(LINKS)], committed) for _ in range(LANES)]

    async def connect(self) -> None:
        """Open every lane."""
        for lane in self._lanes:
            await lane.open()

    def spend(self, request: SpendRequest) -> asyncio.Future[Spent]:
        """Queue a spend. The future gets the engine's answer; cancelling it does not undo the spend. Raises Busy."""
        return self._lanes[request.wallet_id % len(self._lanes)].put(request)

    async def close(self) -> None:
        """Answer what is waiting, then close."""
        await asyncio.gather(*(lane.close() for lane in self._lanes))


class Lane:
    """The requests that wait for some wallets, and the links that carry them."""

    def __init__(self, links: list[Link], committed: Callable[[list[Spent]], None]) -> None:
        self._committed = committed
        self._waiting: deque[Waiting] = deque()
        self._idle = links
        self._rounds: set[asyncio.Task[None]] = set()
        self._closing = False

    async def open(self) -> None:
        """Connect."""
        for link in self._idle:
            await link.open()

    def put(self, request: SpendRequest) -> asyncio.Future[Spent]:
        """Queue one request; Busy when the queue is full or the process is stopping."""
        if self._closing or len(self._waiting) >= QUEUE_REQUESTS:
            raise Busy("Too many spends are waiting: send the same request with the same key in a moment.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Spent] = loop.create_future()
        self._waiting.append((request, future))
        if len(self._waiting) in {1, BATCH_REQUESTS}:
            # After this turn of the loop, so that requests that arrive together go together.
            loop.call_soon(self._send)
        return future

    async def close(self) -> None:
        """Serve what is left, then disconnect."""
        self._closing = True
        while self._waiting or self._rounds:
            self._send()
            await asyncio.gather(*self._rounds)
        for link in self._idle:
            await link.close()

    def _send(self) -> None:
        """Send what waits: anything when nothing is in work, else only a whole batch."""
        while self._waiting and self._idle and (not self._rounds or len(self._waiting) >= BATCH_REQUESTS):
            task = asyncio.create_task(self._work(self._idle.pop(), self._take()))
            self._rounds.add(task)

    async def _work(self, link: Link, batch: list[Waiting]) -> None:
        """A round on a link that was idle, and after it the next."""
        try:
            await self._round(link, batch)
        finally:
            self._idle.append(link)
            self._rounds.discard(asyncio.current_task())
            self._send()

    def _take(self) -> list[Waiting]:
        """The next batch: the requests that have waited longest, up to the first key that is in it already."""
        take = self._waiting.popleft
        batch = [take() for _ in range(min(len(self._waiting), BATCH_REQUESTS))]
        keys = {(request.wallet_id, request.key_hash) for request, _ in batch}
        return batch if len(keys) == len(batch) else self._distinct(batch)

    def _distinct(self, batch: list[Waiting]) -> list[Waiting]:
        """Cut a batch at its first repeated key; what follows waits at the head of the queue."""
        keys: set[tuple[int, UUID]] = set()
        for size, (request, _) in enumerate(batch):
            key = (request.wallet_id, request.key_hash)
            if key in keys:
                self._waiting.extendleft(reversed(batch[size:]))
                return batch[:size]
            keys.add(key)
        return batch

    async def _round(self, link: Link, batch: list[Waiting], *, again: bool = False) -> bool:
        """Post a batch and give every caller its own answer; whether the database is there."""
        try:
            answers = await link.post([request for request, _ in batch])
        except CONNECTION_FAULTS as fault:
            _log.warning("lane.batch_failed", requests=len(batch), fault=repr(fault))
            self._refuse(batch, _gone())
            return False
        except Exception as fault:  # noqa: BLE001 - whatever it is, these callers wait for an answer
            _log.warning("lane.batch_failed", requests=len(batch), fault=repr(fault))
            if len(batch) > 1:
                return await self._each_alone(link, batch)
            self._refuse(batch, fault)
        else:
            self._give(batch, answers, again=again or link.resent)
        return True

    async def _each_alone(self, link: Link, batch: list[Waiting]) -> bool:
        """One bad request must not take its neighbours down: try each alone as long as the database is there."""
        for place, waiting in enumerate(batch):
            if not await self._round(link, [waiting], again=True):
                self._refuse(batch[place + 1 :], _gone())
                return False
        return True

    def _give(self, batch: list[Waiting], answers: list[Spent], *, again: bool) -> None:
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        news = _NEWS_AGAIN if again else _NEWS
        self._committed([answer for answer in answers if answer.posting.outcome in news])

    def _refuse(self, batch: list[Waiting], error: Exception) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)


def _gone() -> Busy:
    return Busy("The database did not answer: send the same request with the same key again.")
