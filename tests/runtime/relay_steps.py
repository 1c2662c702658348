"""What tests of jobs over RabbitMQ do again and again."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from domain.jobs import JobState, Queue
from domain.pages import Page
from runtime.broker import dead_letters
from runtime.relay import RelayWorker
from services.jobs import enqueue, list_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aio_pika.abc import AbstractChannel

    from db.database import Session
    from db.models.jobs import Job
    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.jobs import Effect, Handler


class Seen:
    """Counts attempts and committed effects by the number of a job."""

    def __init__(self, failures: int = 0) -> None:
        self.attempts: Counter[int] = Counter()
        self.effects: Counter[int] = Counter()
        self._failures = failures

    async def handler(self, _coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        """Fail as often as asked for; then note the effect once it is committed."""
        number = payload["number"]
        self.attempts[number] += 1
        if self.attempts[number] <= self._failures:
            raise ConnectionError("the line is dead")

        async def effect(session: Session) -> None:
            async def note() -> None:
                self.effects[number] += 1

            session.after_commit(note)

        return effect


@asynccontextmanager
async def relaying(coffer: Coffer, url: str, handler: Handler) -> AsyncIterator[RelayWorker]:
    """A worker over RabbitMQ for the length of the block."""
    worker = RelayWorker(coffer, {"work": handler}, url)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def ask(
    coffer: Coffer, actor: Actor, numbers: range, queue: Queue = Queue.WALLET_CREDIT, delay_seconds: float = 0
) -> None:
    async with coffer.database.transaction() as session:
        for number in numbers:
            work = (queue, "work", {"project_id": actor.project_id, "number": number})
            await enqueue(coffer, session, work, delay_seconds=delay_seconds)


async def is_done(coffer: Coffer, actor: Actor, jobs: int) -> bool:
    return len(await list_jobs(coffer, actor, JobState.DONE, Page(10_000, None))) == jobs


async def first_job(coffer: Coffer, actor: Actor) -> Job:
    return (await list_jobs(coffer, actor, None, Page(10, None)))[-1]


async def letters(channel: AbstractChannel, queue: Queue) -> list[bytes]:
    """Take what is in a queue's dead-letter queue."""
    dead = await channel.get_queue(dead_letters(queue), ensure=False)
    found = []
    while message := await dead.get(no_ack=True, fail=False):
        found.append(message.body)
    return found


def forget_lost_connections() -> None:
    """Collect what aiormq leaves of connections that were killed: closings that it began and nobody awaits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()
