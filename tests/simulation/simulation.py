"""One run of the lanes over a simulated database, and what it left for the checks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest
from structlog.testing import capture_logs

from db import lanes as lanes_module
from db.lanes import LANES, Lanes
from db.link import Link
from domain.errors import Busy
from tests.simulation.database import Database
from tests.simulation.faults import GHOST_SECONDS, Faults
from tests.simulation.ledger import Key, Ledger, key_of
from tests.simulation.plan import MAX_ORDERS, Change, Order, Plan
from tests.simulation.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.known_wallets import KnownWallets
    from db.spends import SpendRequest, Spent

RUN_SECONDS = 3_600.0
"""Virtual time after which a run counts as hung."""

ATTEMPTS = 25
RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 20.0


class Answer(NamedTuple):
    """What a caller was told at last: the engine's answer, a fault, or that it left (None)."""

    order: Order
    said: Spent | Exception | None


class Put(NamedTuple):
    """A request that a lane accepted."""

    request: SpendRequest
    future: asyncio.Future[Spent]


class WatchedLink(Link):
    """A link that tells the simulation what its lane hands it."""

    def __init__(self, simulation: Simulation, known: KnownWallets) -> None:
        super().__init__("simulated", known, simulation.database.connect)
        self._simulation = simulation

    async def post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        """Post."""
        self._simulation.take(requests)
        return await super().post(requests)


class Simulation:
    """The lanes under a seed."""

    def __init__(self, seed: int) -> None:
        self.plan = Plan(seed)
        self.trace: list[tuple[Any, ...]] = []
        self.ledger = Ledger(self.plan.wallets)
        self.database = Database(self.ledger, Faults(self.plan.random, 0.0), self.trace)
        self.answers: list[Answer] = []
        self.heard: list[Spent] = []
        self.puts: list[Put] = []
        self.arrived: dict[Key, int] = {}
        self.taken_at: dict[int, float] = {}
        self.batches: list[Sequence[SpendRequest]] = []
        self.wrongly_busy: list[Order] = []
        self.never_served: list[Order] = []
        self.longest_queue = 0
        self.left_tasks = 0
        self.left_waiting = 0
        self.left_open = 0
        self._waiting = [0] * LANES
        self._closing = False

    def run(self) -> Simulation:
        """Run to the end. Raises Stuck or TimeoutError when somebody is never answered."""
        with pytest.MonkeyPatch.context() as patch, capture_logs() as logs:
            patch.setattr(lanes_module, "BATCH_REQUESTS", self.plan.batch_requests)
            patch.setattr(lanes_module, "QUEUE_REQUESTS", self.plan.queue_requests)
            run_virtually(self._run())
        self.trace += [tuple(log.items()) for log in logs]
        return self

    def take(self, requests: Sequence[SpendRequest]) -> None:
        """Note what a lane hands to a link."""
        self.batches.append(requests)
        for request in requests:
            if id(request) not in self.taken_at:
                self.taken_at[id(request)] = asyncio.get_running_loop().time()
                self._waiting[request.wallet_id % LANES] -= 1

    async def _run(self) -> None:
        lanes = Lanes("simulated", self.heard.extend, lambda _url, known: WatchedLink(self, known))
        await lanes.connect()
        self.database.faults.rate = self.plan.fault_rate
        async with asyncio.timeout(RUN_SECONDS):
            async with asyncio.TaskGroup() as group:
                for order in self.plan.orders:
                    group.create_task(self._call(lanes, order))
                for change in self.plan.changes:
                    group.create_task(self._change(change))
                if self.plan.closes_at_seconds is not None:
                    group.create_task(self._close_at(lanes, self.plan.closes_at_seconds))
            await self._close_at(lanes, 0)
            self.left_tasks = len(asyncio.all_tasks()) - 1
            # What the database still does for those who gave it up is part of the log.
            await asyncio.sleep(GHOST_SECONDS)

    async def _close_at(self, lanes: Lanes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._closing = True
        await lanes.close()
        self.left_waiting += sum(not put.future.done() for put in self.puts)
        self.left_open += sum(connection.open for connection in self.database.connections)

    async def _change(self, change: Change) -> None:
        await asyncio.sleep(change.at_seconds)
        wallet = self.ledger.wallets[change.wallet_id]
        if change.threshold is None:
            wallet.move(change.credits)
        else:
            wallet.set_threshold(change.threshold)

    async def _call(self, lanes: Lanes, order: Order) -> None:
        """One caller: the same key again after BUSY, and for some after their own timeout."""
        await asyncio.sleep(order.at_seconds)
        said: Spent | Exception | None = None
        patience = order.patience_seconds
        for attempt in range(ATTEMPTS):
            try:
                async with asyncio.timeout(patience):
                    said = await self._put(lanes, order)
                break
            except Busy as busy:
                said = busy
                if self._closing:
                    break
                # Each at its own pace, or a small queue meets all of them at once every time.
                pause = min(RETRY_SECONDS * 2**attempt, LONGEST_RETRY_SECONDS)
                await asyncio.sleep(pause * (1 + order.number / MAX_ORDERS))
            except TimeoutError:
                if not order.returns:
                    break
                patience = None
            except asyncpg.PostgresError as fault:
                said = fault
                break
        else:
            self.never_served.append(order)
        self.answers.append(Answer(order, said))
        self.trace.append((asyncio.get_running_loop().time(), order.number, _told(said)))

    def _put(self, lanes: Lanes, order: Order) -> asyncio.Future[Spent]:
        lane = order.wallet_id % LANES
        request = order.request()
        try:
            future = lanes.spend(request)
        except Busy:
            if not self._closing and self._waiting[lane] < self.plan.queue_requests:
                self.wrongly_busy.append(order)
            raise
        self.arrived.setdefault(key_of(request), len(self.puts))
        self.puts.append(Put(request, future))
        self._waiting[lane] += 1
        self.longest_queue = max(self.longest_queue, self._waiting[lane])
        return future


def _told(said: Spent | Exception | None) -> Any:  # noqa: ANN401 - for comparison only
    return said.posting if said is not None and not isinstance(said, Exception) else repr(said)
