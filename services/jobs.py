"""Background work: asking for it, doing it, looking at it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Counter

from db import jobs as queries
from domain.errors import InvalidState, NotFound
from domain.jobs import LEASE_SECONDS, MAX_ATTEMPTS, JobState, Queue, retry_delay
from domain.permissions import Actor, Permission
from gateways.base import GatewayUnavailable
from live import topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.models.jobs import Job
    from domain.pages import Page
    from services.coffer import Coffer

Effect = Callable[["Session"], Awaitable[None]]
"""What a job changes: run in the transaction that marks the job as done."""

Handler = Callable[["Coffer", Mapping[str, Any]], Awaitable[Effect]]
"""A job's work outside any transaction, such as asking a provider; it returns the effect."""

ATTEMPT_SECONDS: Final = LEASE_SECONDS - 15
"""An attempt ends before its lease does, so that no two workers are ever inside the same job."""

DONE: Final = "done"
DEAD: Final = "dead"
"""How an attempt ended after which nobody tries again."""

FIRST_LATER_SECONDS: Final = 1.0
LONGEST_LATER_SECONDS: Final = 600.0
OUTAGE: Final = timedelta(hours=24)
"""A provider that is away for less than that kills no job."""

KEEP_DONE_DAYS: Final = 7
PURGE_BATCHES: Final = 200

_log: Final = structlog.get_logger()
_ended: Final = Counter("coffer_job_attempts_total", "Attempts of jobs by how they ended.", ["queue", "kind", "result"])


class RetryLater(Exception):
    """Not an error: there is nothing to decide yet, so the job comes back, however often.

    It waits as long again as it has existed, within FIRST_LATER_SECONDS and `at_most_seconds`.
    """

    def __init__(self, reason: str, *, at_most_seconds: float = LONGEST_LATER_SECONDS) -> None:
        super().__init__(reason)
        self.at_most_seconds = at_most_seconds


async def enqueue(
    coffer: Coffer,
    session: Session,
    work: tuple[Queue, str, Mapping[str, Any]],
    *,
    delay_seconds: float = 0,
    key: str | None = None,
) -> None:
    """Ask for work (queue, kind, payload of ids) in the business transaction; workers wake after its commit."""
    run_at = coffer.clock() + timedelta(seconds=delay_seconds)
    await queries.add(session, _columns(work) | {"key": key, "run_at": run_at})
    session.after_commit(lambda: coffer.hub.publish(topics.jobs(), b"due"))


async def enqueue_all(coffer: Coffer, session: Session, works: Sequence[tuple[Queue, str, Mapping[str, Any]]]) -> None:
    """Ask for many pieces of work at once, by one statement."""
    if works:
        now = coffer.clock()
        await queries.add(session, *(_columns(work) | {"run_at": now} for work in works))
        session.after_commit(lambda: coffer.hub.publish(topics.jobs(), b"due"))


def _columns(work: tuple[Queue, str, Mapping[str, Any]]) -> dict[str, Any]:
    queue, kind, payload = work
    return {"queue": queue.value, "kind": kind, "payload": dict(payload), "project_id": payload.get("project_id")}


async def run_job(coffer: Coffer, handlers: Mapping[str, Handler], job: Job) -> str:
    """One attempt at a claimed job: its work, then its effect and DONE in one transaction. Never raises.

    Says how it ended: done, retried, DEAD, or dropped when another worker has the job by now.
    """
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            effect = await handlers[job.kind](coffer, job.payload)
            result = await _apply(coffer, job, effect)
    except RetryLater as later:
        result = await _put_back(coffer, job, str(later), _later(coffer, job, later.at_most_seconds), counts=False)
    except Exception as fault:  # noqa: BLE001 - whatever a handler raises is recorded on its job
        _log.warning("job.failed", job=job.id, kind=job.kind, attempt=job.attempts, exc_info=True)
        if isinstance(fault, GatewayUnavailable) and coffer.clock() - job.created_at < OUTAGE:
            result = await _put_back(coffer, job, repr(fault), _later(coffer, job, LONGEST_LATER_SECONDS), counts=False)
        else:
            delay = None if job.attempts >= MAX_ATTEMPTS else retry_delay(job.attempts, random.random())  # noqa: S311 - jitter
            result = await _put_back(coffer, job, repr(fault), delay, counts=True)
    _ended.labels(job.queue, job.kind, result).inc()
    return result


def count_done(queue: Queue, kind: str, jobs: int) -> None:
    """Count jobs that were done together."""
    _ended.labels(queue, kind, DONE).inc(jobs)


async def free_abandoned(coffer: Coffer) -> None:
    """Janitor: jobs whose worker died come back."""
    async with coffer.database.transaction() as session:
        states = await queries.free_abandoned(session, coffer.clock())
    if states:
        _log.warning("jobs.freed", ready=states.count(JobState.READY), dead=states.count(JobState.DEAD))
        await coffer.hub.publish(topics.jobs(), b"due")


async def purge_done(coffer: Coffer) -> None:
    """Forget jobs that were done KEEP_DONE_DAYS ago, in batches, each its own transaction."""
    before = coffer.clock() - timedelta(days=KEEP_DONE_DAYS)
    for _ in range(PURGE_BATCHES):
        async with coffer.database.transaction() as session:
            if await queries.purge_done(session, before) < queries.PURGE_JOBS:
                return


async def list_jobs(coffer: Coffer, actor: Actor, state: JobState | None, page: Page) -> Sequence[Job]:
    """Jobs of the project, newest first."""
    actor.require(Permission.OPERATE)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, state, page)


async def replay_job(coffer: Coffer, actor: Actor, job_id: int | None) -> Job:
    """Run a dead job again. NotFound; InvalidState when it is not dead or the same work is already waiting."""
    actor.require(Permission.OPERATE)
    async with coffer.database.transaction() as session:
        job = job_id and await queries.lock(session, job_id)
        if not job or job.project_id != actor.project_id:
            raise NotFound("No such job in this project: see `jobs`.", field=["id"])
        return await _revive(coffer, session, job)


async def revive(coffer: Coffer, session: Session, job_id: int) -> None:
    """Run a dead job again, whoever may see it. InvalidState when it is not dead any more."""
    job = await queries.lock(session, job_id)
    if job is not None:
        await _revive(coffer, session, job)


async def _revive(coffer: Coffer, session: Session, job: Job) -> Job:
    if job.state is not JobState.DEAD:
        raise InvalidState(f"Only what is dead can be replayed; this is {job.state.name}.", field=["id"])
    if await queries.has_twin(session, job):
        raise InvalidState("The same work is already waiting: nothing has to be replayed.", field=["id"])
    await queries.revive(session, job, coffer.clock())
    session.after_commit(lambda: coffer.hub.publish(topics.jobs(), b"due"))
    return job


async def nothing(_session: Session) -> None:
    """The effect of a job that has nothing left to do."""


async def _apply(coffer: Coffer, job: Job, effect: Effect) -> str:
    async with coffer.database.transaction() as session:
        # Another worker may own it by now, if this attempt outlived its lease.
        if not await queries.hold(session, job):
            return "dropped"
        await effect(session)
        await queries.finish(session, job, coffer.clock())
    return DONE


def _later(coffer: Coffer, job: Job, at_most_seconds: float) -> timedelta:
    age = (coffer.clock() - job.created_at).total_seconds()
    return timedelta(seconds=min(max(age, FIRST_LATER_SECONDS), at_most_seconds))


async def _put_back(coffer: Coffer, job: Job, error: str, delay: timedelta | None, *, counts: bool) -> str:
    """Record an attempt that came to nothing; without a delay the job is dead."""
    try:
        async with coffer.database.transaction() as session:
            if not await queries.hold(session, job):
                return "dropped"
            if delay is None:
                await queries.bury(session, job, error)
            else:
                await queries.put_back(session, job, coffer.clock() + delay, error, counts=counts)
    except Exception:  # noqa: BLE001 - the database is away: the lease passes and the janitor brings the job back
        _log.exception("job.put_back_failed", job=job.id)
    return DEAD if delay is None else "retried"
