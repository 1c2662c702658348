"""Workers, on a real database and a real Valkey."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from db import jobs as queries
from domain.jobs import JobState, Queue
from domain.pages import Page
from runtime import rounds as rounds_module
from runtime import worker as worker_module
from runtime.process import open_coffer
from runtime.worker import CONCURRENT_JOBS, Worker
from services.jobs import enqueue, list_jobs
from tests.builders import owner_of
from tests.waiting import WAIT_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from db.database import Session
    from domain.permissions import Actor
    from runtime.settings import Settings
    from services.coffer import Coffer
    from services.jobs import Effect, Handler
    from tests.conftest import Urls

MANY_JOBS = 200


@pytest.fixture
async def actor(coffer: Coffer) -> Actor:
    """An owner of the project whose jobs these are."""
    return await owner_of(coffer)


@pytest.fixture
async def second(settings: Settings, urls: Urls) -> AsyncIterator[Coffer]:
    """What a second process on the same database works with."""
    async with open_coffer(settings, urls.database, urls.redis) as opened:
        yield opened


@asynccontextmanager
async def working(coffer: Coffer, handlers: Mapping[str, Handler]) -> AsyncIterator[Worker]:
    """A worker for the length of the block."""
    worker = Worker(coffer, handlers)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def ask(coffer: Coffer, actor: Actor, jobs: int = 1, delay_seconds: float = 0) -> None:
    async with coffer.database.transaction() as session:
        for number in range(jobs):
            payload = {"project_id": actor.project_id, "number": number}
            work = (Queue.SETTLEMENTS_PROCESSING, "work", payload)
            await enqueue(coffer, session, work, delay_seconds=delay_seconds)


class Seen:
    """Counts attempts, and the most that were under way at once."""

    def __init__(self) -> None:
        self.attempts: Counter[int] = Counter()
        self.effects: Counter[int] = Counter()
        self.most_at_once = 0
        self._now = 0

    async def handler(self, _coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        """Note an attempt, and an effect when it comes to that."""
        self.attempts[payload["number"]] += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1

        async def effect(_session: Session) -> None:
            self.effects[payload["number"]] += 1

        return effect


async def test_two_workers_do_each_job_once(coffer: Coffer, second: Coffer, actor: Actor) -> None:
    """Two processes share 200 jobs: each is attempted once and has its effect once."""
    seen = Seen()
    await ask(coffer, actor, MANY_JOBS)
    async with working(coffer, {"work": seen.handler}), working(second, {"work": seen.handler}):
        await until(lambda: seen.effects.total() >= MANY_JOBS)
    assert seen.attempts == seen.effects == Counter(range(MANY_JOBS))
    assert len(await list_jobs(coffer, actor, JobState.DONE, Page(300, None))) == MANY_JOBS


async def test_a_worker_keeps_to_its_limit(coffer: Coffer, actor: Actor) -> None:
    """No more than CONCURRENT_JOBS are under way in one worker."""
    seen = Seen()
    await ask(coffer, actor, 50)
    async with working(coffer, {"work": seen.handler}):
        await until(lambda: seen.effects.total() == 50)
    assert 1 <= seen.most_at_once <= CONCURRENT_JOBS


async def test_a_full_worker_leaves_the_database_alone(
    coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all its places are taken, a worker does not poll for jobs that it could not take."""
    release, begun, claims = asyncio.Event(), Counter[str](), Counter[str]()

    async def handler(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
        begun["jobs"] += 1
        await release.wait()

        async def effect(_session: Session) -> None:
            begun["done"] += 1

        return effect

    async def counted(*arguments: Any, **words: Any) -> Any:  # noqa: ANN401 - passed on as they are
        claims["round"] += 1
        return await claim(*arguments, **words)

    claim = queries.claim_others
    monkeypatch.setattr(queries, "claim_others", counted)
    await ask(coffer, actor, CONCURRENT_JOBS + 1)
    async with working(coffer, {"work": handler}):
        await until(lambda: begun["jobs"] == CONCURRENT_JOBS)
        rounds = claims["round"]
        await asyncio.sleep(0.3)
        assert claims["round"] == rounds
        release.set()
        await until(lambda: begun["done"] == CONCURRENT_JOBS + 1)


async def test_a_new_job_wakes_a_sleeping_worker(
    coffer: Coffer, second: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job written by another process starts at its commit, not at the next poll."""
    asleep, look = asyncio.Event(), queries.next_run_at

    async def looked(session: Session) -> datetime | None:
        found = await look(session)
        asleep.set()
        return found

    monkeypatch.setattr(rounds_module, "POLL_SECONDS", WAIT_SECONDS)
    monkeypatch.setattr(queries, "next_run_at", looked)
    seen = Seen()
    async with working(coffer, {"work": seen.handler}):
        await asleep.wait()
        started = time.monotonic()
        await ask(second, actor)
        await until(lambda: seen.effects.total() == 1)
    assert time.monotonic() - started < WAIT_SECONDS / 2


async def test_a_delayed_job_runs_at_its_time(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker sleeps until the next job is due, not until the next poll."""
    monkeypatch.setattr(rounds_module, "POLL_SECONDS", WAIT_SECONDS)
    seen = Seen()
    async with working(coffer, {"work": seen.handler}):
        started = time.monotonic()
        await ask(coffer, actor, delay_seconds=0.3)
        await until(lambda: seen.effects.total() == 1)
    assert 0.3 <= time.monotonic() - started < WAIT_SECONDS / 2


async def test_a_worker_polls_when_no_message_comes(coffer: Coffer, actor: Actor) -> None:
    """A job whose message was lost starts at the next poll."""
    seen = Seen()
    async with working(coffer, {"work": seen.handler}):
        async with coffer.database.transaction() as session:
            values = {"queue": "analytics.billing", "kind": "work", "payload": {"number": 0}, "run_at": coffer.clock()}
            await queries.add(session, values)
        await until(lambda: seen.effects.total() == 1)


async def test_stopping_lets_a_job_in_work_end(coffer: Coffer, actor: Actor) -> None:
    """A worker that is told to stop finishes what it has begun and takes nothing more."""
    begun, release, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
        begun.set()
        await release.wait()

        async def effect(_session: Session) -> None:
            done.set()

        return effect

    await ask(coffer, actor)
    async with working(coffer, {"work": handler}) as worker:
        async with asyncio.timeout(WAIT_SECONDS):
            await begun.wait()
        worker.stop()
        await ask(coffer, actor)
        release.set()
    assert done.is_set()
    assert [job.state for job in await list_jobs(coffer, actor, None, Page(10, None))] == [
        JobState.READY,
        JobState.DONE,
    ]


async def test_stopping_cuts_off_what_takes_too_long(
    coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that does not end within STOP_SECONDS is left to its lease."""
    monkeypatch.setattr(worker_module, "STOP_SECONDS", 0.05)
    begun = asyncio.Event()

    async def handler(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
        begun.set()
        await asyncio.sleep(WAIT_SECONDS)
        raise AssertionError

    await ask(coffer, actor)
    async with asyncio.timeout(WAIT_SECONDS / 2), working(coffer, {"work": handler}):
        await begun.wait()
    [job] = await list_jobs(coffer, actor, None, Page(10, None))
    assert job.state is JobState.RUNNING


async def test_gauges_tell_the_backlog_and_come_back_to_zero(coffer: Coffer, actor: Actor) -> None:
    """Due jobs are counted by queue, and a queue that was emptied counts none."""
    seen = Seen()
    await ask(coffer, actor, 3)
    worker = Worker(coffer, {"work": seen.handler})
    await worker.measure()
    queue = Queue.SETTLEMENTS_PROCESSING.value
    before = _gauge("coffer_jobs_due", queue)
    async with working(coffer, {"work": seen.handler}):
        await until(lambda: seen.effects.total() == 3)
    await worker.measure()
    assert (before, _gauge("coffer_jobs_due", queue), _gauge("coffer_jobs_lag_seconds", queue)) == (3, 0, 0)


def _gauge(name: str, queue: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"queue": queue})
