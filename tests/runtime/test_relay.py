"""Jobs over a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import aio_pika
import pytest
from prometheus_client import REGISTRY

from db import handover
from domain.jobs import Queue
from domain.pages import Page
from runtime import rounds as rounds_module
from runtime.broker import dead_letters
from runtime.process import open_coffer
from services import jobs as jobs_module
from services.jobs import list_jobs, replay_job
from tests.builders import owner_of
from tests.long import examples
from tests.runtime.rabbitmq import MISSING, RabbitServer, is_installed
from tests.runtime.relay_steps import Seen, ask, first_job, forget_lost_connections, is_done, letters, relaying
from tests.waiting import WAIT_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from aio_pika.abc import AbstractChannel

    from domain.permissions import Actor
    from runtime.settings import Settings
    from services.coffer import Coffer
    from services.jobs import Effect
    from tests.conftest import Urls

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

MANY_JOBS = 200
DOWN_SECONDS = examples(2, 30)
ENDS = [RabbitServer.stop, RabbitServer.kill][: examples(1, 2)]
"""How RabbitMQ goes away: in order, and in long runs killed as well, after which it may refuse for minutes."""


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """One RabbitMQ for these tests."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.close()
        forget_lost_connections()


@pytest.fixture
async def channel(rabbit: RabbitServer) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, on a broker without a queue."""
    async with await aio_pika.connect(rabbit.url) as connection, connection.channel() as channel:
        for queue in Queue:
            await channel.queue_delete(queue)
            await channel.queue_delete(dead_letters(queue))
        yield channel


@pytest.fixture
async def url(rabbit: RabbitServer, channel: AbstractChannel) -> str:
    """Where a broker without a queue answers."""
    return rabbit.url


@pytest.fixture
async def actor(coffer: Coffer) -> Actor:
    """An owner of the project whose jobs these are."""
    return await owner_of(coffer)


@pytest.fixture
async def second(settings: Settings, urls: Urls) -> AsyncIterator[Coffer]:
    """What a second process on the same database works with."""
    async with open_coffer(settings, urls.database, urls.redis) as opened:
        yield opened


async def test_two_workers_do_each_job_once(coffer: Coffer, second: Coffer, actor: Actor, url: str) -> None:
    """Two processes share the jobs of all ten queues: each is attempted once and has its effect once."""
    seen = Seen()
    for start, queue in enumerate(Queue):
        await ask(coffer, actor, range(start * 20, start * 20 + 20), queue)
    async with relaying(coffer, url, seen.handler), relaying(second, url, seen.handler):
        await until(lambda: is_done(coffer, actor, MANY_JOBS))
    assert seen.attempts == seen.effects == Counter(range(MANY_JOBS))


async def test_the_queues_are_quorum_queues(coffer: Coffer, url: str, channel: AbstractChannel) -> None:
    """The ten queues and their dead-letter queues are declared durable, replicated, and with a delivery limit."""
    async with relaying(coffer, url, Seen().handler):
        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
    for queue in Queue:
        dead_letter = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_letters(queue)}
        arguments: Any = {"x-queue-type": "quorum", "x-delivery-limit": 20, **dead_letter}
        await channel.declare_queue(queue, durable=True, arguments=arguments)
        arguments = {"x-queue-type": "quorum", "x-max-length": 10_000}
        await channel.declare_queue(dead_letters(queue), durable=True, arguments=arguments)


async def test_a_failed_job_waits_and_comes_back(coffer: Coffer, actor: Actor, url: str) -> None:
    """An attempt that fails is followed by another after the backoff, and the effect happens once."""
    seen = Seen(failures=2)
    await ask(coffer, actor, range(1))
    async with relaying(coffer, url, seen.handler):
        await until(lambda: is_done(coffer, actor, 1))
    assert (seen.attempts[0], seen.effects[0]) == (3, 1)


async def test_a_delayed_job_runs_at_its_time(
    coffer: Coffer, actor: Actor, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job for later is not done before its time, and soon after it, not at the next poll."""
    monkeypatch.setattr(rounds_module, "POLL_SECONDS", WAIT_SECONDS)
    await ask(coffer, actor, range(1), delay_seconds=1.0)
    async with relaying(coffer, url, Seen().handler):
        await until(lambda: is_done(coffer, actor, 1))
    job = await first_job(coffer, actor)
    assert job.finished_at is not None
    assert 0 <= (job.finished_at - job.run_at).total_seconds() < WAIT_SECONDS / 2


async def test_a_dead_job_is_dead_lettered_and_replayed(
    coffer: Coffer, actor: Actor, url: str, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id of a job that failed for the last time is in its dead-letter queue; replayed, the job is done."""
    monkeypatch.setattr(jobs_module, "MAX_ATTEMPTS", 1)
    seen = Seen(failures=1)
    await ask(coffer, actor, range(1), Queue.REFUND_PROCESSING)
    job = await first_job(coffer, actor)
    async with relaying(coffer, url, seen.handler):
        found: list[bytes] = []

        async def lettered() -> bool:
            found.extend(await letters(channel, Queue.REFUND_PROCESSING))
            return bool(found)

        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
        await until(lettered)
        assert found == [str(job.id).encode()]
        await replay_job(coffer, actor, job.id)
        await until(lambda: is_done(coffer, actor, 1))


async def test_what_is_no_id_is_dead_lettered(coffer: Coffer, actor: Actor, url: str, channel: AbstractChannel) -> None:
    """A message that nobody can read leaves the queue, and jobs behind it are done."""
    async with relaying(coffer, url, Seen().handler):
        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
        for body in (b"\xff", b"", b"-1", b"9" * 40):
            await channel.default_exchange.publish(aio_pika.Message(body), Queue.WALLET_CREDIT)
        await ask(coffer, actor, range(10))
        await until(lambda: is_done(coffer, actor, 10))
        found: list[bytes] = []

        async def all_found() -> bool:
            found.extend(await letters(channel, Queue.WALLET_CREDIT))
            return len(found) == 4

        await until(all_found)
    assert sorted(found) == sorted([b"\xff", b"", b"-1", b"9" * 40])


async def test_repeated_messages_do_nothing(coffer: Coffer, actor: Actor, url: str, channel: AbstractChannel) -> None:
    """Each id sent five times more, before and after its job is done, makes one attempt and one effect."""
    seen = Seen()
    await ask(coffer, actor, range(20))
    ids = [job.id for job in await list_jobs(coffer, actor, None, Page(100, None))]
    async with relaying(coffer, url, seen.handler):
        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
        for _ in range(5):
            for job_id in ids:
                message = aio_pika.Message(str(job_id).encode())
                await channel.default_exchange.publish(message, Queue.WALLET_CREDIT)
        await until(lambda: is_done(coffer, actor, 20))
        declared = await channel.declare_queue(Queue.WALLET_CREDIT, passive=True)
        assert declared is not None
    assert seen.attempts == seen.effects == Counter(range(20))


async def test_a_backlog_stays_in_the_database(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more ids of one queue are on their way than its window holds; other queues have windows of their own."""
    monkeypatch.setattr(handover, "WINDOW_JOBS", 10)
    await ask(coffer, actor, range(25), Queue.WALLET_CREDIT)
    await ask(coffer, actor, range(3), Queue.WALLET_DEBIT)
    handed: list[tuple[int, Queue]] = []
    for _ in range(2):
        async with coffer.database.transaction() as session:
            handed += await handover.hand_over(session, coffer.clock())
    assert Counter(queue for _, queue in handed) == {Queue.WALLET_CREDIT: 10, Queue.WALLET_DEBIT: 3}


async def test_a_broker_that_forgot_everything_is_told_again(
    coffer: Coffer, actor: Actor, url: str, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs whose messages are gone are handed over again when their marks have passed."""
    monkeypatch.setattr(handover, "HANDED_SECONDS", 1.0)
    await ask(coffer, actor, range(20))
    async with coffer.database.transaction() as session:
        assert len(await handover.hand_over(session, coffer.clock())) == 20
    async with relaying(coffer, url, Seen().handler):
        await until(lambda: is_done(coffer, actor, 20))


async def test_a_deleted_queue_is_declared_again(
    coffer: Coffer, actor: Actor, url: str, channel: AbstractChannel
) -> None:
    """A queue that somebody deletes comes back with the next job for it."""
    async with relaying(coffer, url, Seen().handler):
        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
        await channel.queue_delete(Queue.WALLET_CREDIT)
        await ask(coffer, actor, range(1))
        await until(lambda: is_done(coffer, actor, 1))


async def test_the_broker_down_in_mid_load_loses_nothing(
    coffer: Coffer, second: Coffer, actor: Actor, rabbit: RabbitServer, url: str
) -> None:
    """RabbitMQ ends, stays away for a while and comes back, jobs arriving all the time: each has its effect once."""
    seen, written = Seen(), 0

    def more_than(done: int) -> bool:
        return seen.effects.total() > done

    async def load(seconds: float) -> None:
        nonlocal written
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await ask(coffer, actor, range(written, written + 5), list(Queue)[written // 5 % 10])
            written += 5
            await asyncio.sleep(0.02)

    async with relaying(coffer, url, seen.handler), relaying(second, url, seen.handler):
        await load(1.0)
        for end in ENDS:
            loading = asyncio.create_task(load(DOWN_SECONDS))
            await asyncio.to_thread(end, rabbit)
            await loading
            done = seen.effects.total()
            assert done < written, "nothing waits while the broker is away"
            await asyncio.to_thread(rabbit.start)
            await load(1.0)
            await until(partial(more_than, done))
        await until(lambda: is_done(coffer, actor, written))
    assert seen.effects == Counter(range(written))


async def test_a_worker_waits_for_its_broker(coffer: Coffer, actor: Actor, rabbit: RabbitServer, url: str) -> None:
    """A worker that starts while RabbitMQ is away stops at once when told to, and else begins when it answers."""
    rabbit.stop()
    async with relaying(coffer, url, Seen().handler):
        await ask(coffer, actor, range(5))
        assert not await is_done(coffer, actor, 5)
    async with relaying(coffer, url, Seen().handler):
        await asyncio.to_thread(rabbit.start)
        await until(lambda: is_done(coffer, actor, 5))


async def test_stopping_lets_a_job_in_work_end(coffer: Coffer, second: Coffer, actor: Actor, url: str) -> None:
    """A worker that is told to stop ends what it has begun; what it had fetched besides goes to another worker."""
    begun, release, seen = asyncio.Event(), asyncio.Event(), Seen()

    async def slow(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        begun.set()
        await release.wait()
        return await seen.handler(coffer, payload)

    await ask(coffer, actor, range(40))
    async with relaying(coffer, url, slow) as worker:
        async with asyncio.timeout(WAIT_SECONDS):
            await begun.wait()
        worker.stop()
        release.set()
    async with relaying(second, url, seen.handler):
        await until(lambda: is_done(coffer, actor, 40))
    assert seen.attempts == seen.effects == Counter(range(40))


async def test_the_lengths_of_the_queues_are_measured(coffer: Coffer, url: str, channel: AbstractChannel) -> None:
    """The gauges say how many messages wait in a queue and in its dead-letter queue."""
    async with relaying(coffer, url, Seen().handler) as worker:
        await until(lambda: REGISTRY.get_sample_value("coffer_queue_up") == 1)
        await channel.default_exchange.publish(aio_pika.Message(b"x"), dead_letters(Queue.WALLET_DEBIT))
        await worker.measure()
    labels = {"queue": Queue.WALLET_DEBIT.value}
    assert REGISTRY.get_sample_value("coffer_queue_dead_letters", labels) == 1
    assert REGISTRY.get_sample_value("coffer_queue_messages", labels) == 0
