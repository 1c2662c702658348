"""Steps that the tests of jobs share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from db import jobs as queries
from domain.jobs import LONGEST_RETRY_SECONDS, MAX_ATTEMPTS, Queue
from domain.pages import Page
from services.jobs import (
    RetryLater,
    enqueue,
    list_jobs,
    run_job,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from db.database import Session
    from db.models.jobs import Job
    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.jobs import Effect, Handler


class Clock:
    """A clock that tests move."""

    def __init__(self, coffer: Coffer) -> None:
        self._real, self._ahead = coffer.clock, timedelta()

    def __call__(self) -> datetime:
        """Read it."""
        return self._real() + self._ahead

    def move(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self._ahead += timedelta(seconds=seconds)


async def ask(coffer: Coffer, actor: Actor, kind: str = "work", *, key: str | None = None) -> None:
    async with coffer.database.transaction() as session:
        payload = {"project_id": actor.project_id}
        await enqueue(coffer, session, (Queue.SETTLEMENTS_PROCESSING, kind, payload), key=key)


async def claim(coffer: Coffer, limit: int = 100) -> list[Job]:
    async with coffer.database.transaction() as session:
        return list(await queries.claim(session, coffer.clock(), limit))


async def only_job(coffer: Coffer, actor: Actor) -> Job:
    [job] = await list_jobs(coffer, actor, None, Page(10, None))
    return job


async def attempt(coffer: Coffer, handlers: Mapping[str, Handler]) -> None:
    [job] = await claim(coffer)
    await run_job(coffer, handlers, job)


async def fail_until_dead(coffer: Coffer, clock: Clock, handlers: Mapping[str, Handler]) -> None:
    for _ in range(MAX_ATTEMPTS):
        await attempt(coffer, handlers)
        clock.move(LONGEST_RETRY_SECONDS)


def adds_job(kind: str) -> Handler:
    """A handler whose effect is a row that can be counted."""

    async def handler(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        async def effect(session: Session) -> None:
            await enqueue(coffer, session, (Queue.ANALYTICS_BILLING, kind, payload))

        return effect

    return handler


async def does_nothing(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
    async def effect(_session: Session) -> None:
        """Change nothing."""

    return effect


async def breaks(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
    raise ConnectionError("the line is dead")


async def waits(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
    raise RetryLater("still pending")
