"""The outbox and the leases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, any_, case, cast, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from db.models.jobs import OTHER_JOBS, Job, Lease
from db.paging import newest_first
from domain.jobs import LEASE_SECONDS, MAX_ATTEMPTS, PAYMENT_MESSAGE, JobState, Queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, TextClause, Update

    from db.database import Session
    from domain.pages import Page

ERROR_CHARACTERS: Final = 1_000
PURGE_JOBS: Final = 5_000


async def add(session: Session, *jobs: dict[str, Any]) -> None:
    """Write jobs; one with a key that an open job has is left out."""
    await session.execute(insert(Job).values(list(jobs)).on_conflict_do_nothing())


async def claim(session: Session, now: datetime, limit: int) -> Sequence[Job]:
    """Take due jobs of any kind for LEASE_SECONDS; others skip what one worker holds."""
    return await _claim(session, now, limit)


async def claim_messages(session: Session, now: datetime, limit: int) -> Sequence[Job]:
    """Take due jobs of providers' messages; the queue's own index finds them behind any backlog of others."""
    return await _claim(session, now, limit, Job.queue == Queue.WEBHOOK_PROCESSING.value, Job.kind == PAYMENT_MESSAGE)


async def claim_others(session: Session, now: datetime, limit: int) -> Sequence[Job]:
    """Take due jobs of every other kind; an index of theirs finds them behind any backlog of messages."""
    return await _claim(session, now, limit, text(OTHER_JOBS))


async def _claim(
    session: Session, now: datetime, limit: int, *which: ColumnElement[bool] | TextClause
) -> Sequence[Job]:
    # A CTE that locks is run once; an IN (...) could be run again by the planner and take more than the limit.
    due = (
        select(Job.id)
        .where(Job.state == JobState.READY, Job.run_at <= now, *which)
        .order_by(Job.run_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (await session.scalars(_taking(now).where(Job.id == due.c.id).returning(Job))).all()


async def claim_handed(session: Session, job_ids: Sequence[int], now: datetime) -> Sequence[Job]:
    """Take the jobs that messages name, but those whose handover is over: a repeated message does nothing."""
    mine = (Job.id == any_(cast(job_ids, ARRAY(BigInteger))), Job.state == JobState.READY)
    # Locked in one order, since two workers may have been told of the same jobs.
    due = select(Job.id).where(*mine, Job.handed_until.is_not(None)).order_by(Job.id).with_for_update().cte("due")
    return (await session.scalars(_taking(now).where(Job.id == due.c.id).returning(Job))).all()


async def hold(session: Session, job: Job) -> bool:
    """Lock a job and say whether the attempt that claimed it still owns it."""
    mine = (Job.id == job.id, Job.state == JobState.RUNNING, Job.leased_until == job.leased_until)
    return await session.scalar(select(Job.id).where(*mine).with_for_update()) is not None


async def hold_all(session: Session, jobs: Sequence[Job]) -> set[int]:
    """Lock jobs and say which of them the attempts that claimed them still own."""
    ids = cast([job.id for job in jobs], ARRAY(BigInteger))
    query = select(Job.id, Job.leased_until).where(Job.id == any_(ids), Job.state == JobState.RUNNING)
    leases = {job.id: job.leased_until for job in jobs}
    rows = await session.execute(query.order_by(Job.id).with_for_update())
    return {job_id for job_id, leased_until in rows if leases[job_id] == leased_until}


async def finish(session: Session, job: Job, now: datetime) -> None:
    """Mark a held job as done."""
    await finish_all(session, [job.id], now)


async def finish_all(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Mark held jobs as done."""
    done = {"state": JobState.DONE, "finished_at": now, "leased_until": None, "last_error": None}
    await session.execute(update(Job).where(Job.id == any_(cast(ids, ARRAY(BigInteger)))).values(done))


async def put_back(session: Session, job: Job, run_at: datetime, error: str, *, counts: bool) -> None:
    """Give a held job another time; an attempt that doesn't count is taken off again."""
    change = {"state": JobState.READY, "run_at": run_at, "attempts": job.attempts if counts else job.attempts - 1}
    await _let_go(session, job, error, change)


async def bury(session: Session, job: Job, error: str) -> None:
    """Leave a held job dead until somebody replays it."""
    await _let_go(session, job, error, {"state": JobState.DEAD})


async def next_run_at(session: Session) -> datetime | None:
    """When the next waiting job is due."""
    return await session.scalar(select(func.min(Job.run_at)).where(Job.state == JobState.READY))


async def free_abandoned(session: Session, now: datetime) -> list[JobState]:
    """Take back what a worker took and never gave back: READY, or DEAD when it was the last attempt.

    A job that kills its worker ends up dead like any other, instead of coming back for ever.
    """
    dead, ready = (literal(state, Job.state.type) for state in (JobState.DEAD, JobState.READY))
    change = {
        "state": case((Job.attempts >= MAX_ATTEMPTS, dead), else_=ready),
        "leased_until": None,
        "last_error": "The worker stopped in the middle of it.",
    }
    stuck = update(Job).where(Job.state == JobState.RUNNING, Job.leased_until < now)
    return list(await session.scalars(stuck.values(change).returning(Job.state)))


async def purge_done(session: Session, before: datetime) -> int:
    """Delete some jobs that were done before a time."""
    old = select(Job.id).where(Job.state == JobState.DONE, Job.finished_at < before).limit(PURGE_JOBS)
    rows = await session.execute(delete(Job).where(Job.id.in_(old.scalar_subquery())).returning(Job.id))
    return len(rows.all())


async def newest(session: Session, project_id: int, state: JobState | None, page: Page) -> Sequence[Job]:
    """Jobs of a project, of one state if named, newest first."""
    query = select(Job).where(Job.project_id == project_id)
    if state is not None:
        query = query.where(Job.state == state)
    return (await session.scalars(newest_first(query, Job.id, page))).all()


async def lock(session: Session, job_id: int) -> Job | None:
    """Find a job and lock it until the end of the transaction."""
    query = select(Job).where(Job.id == job_id).with_for_update()
    return (await session.scalars(query)).one_or_none()


async def has_twin(session: Session, job: Job) -> bool:
    """Whether another open job has the job's key."""
    twin = select(Job.id).where(Job.key == job.key, Job.state < JobState.DONE)
    return job.key is not None and await session.scalar(twin) is not None


async def revive(session: Session, job: Job, now: datetime) -> None:
    """Make a locked dead job ready again, with all its attempts."""
    job.state, job.attempts, job.run_at = JobState.READY, 0, now
    await session.flush()


async def backlog(session: Session, now: datetime) -> Sequence[Any]:
    """Per queue: (queue, jobs due, age in seconds of the oldest)."""
    age = func.extract("epoch", now - func.min(Job.run_at))
    query = select(Job.queue, func.count(), age).where(Job.state == JobState.READY, Job.run_at <= now)
    return (await session.execute(query.group_by(Job.queue))).all()


async def take_lease(session: Session, name: str, holder: str, seconds: float) -> bool:
    """Take or keep a named lease by the database's clock; False while another holds it."""
    until = func.now() + timedelta(seconds=seconds)
    row = insert(Lease).values(name=name, holder=holder, expires_at=until)
    free = (Lease.expires_at < func.now()) | (Lease.holder == holder)
    change = {"holder": holder, "expires_at": until}
    taken = row.on_conflict_do_update(index_elements=[Lease.name], set_=change, where=free).returning(Lease.name)
    return await session.scalar(taken) is not None


async def give_up_leases(session: Session, holder: str) -> None:
    """Let others have a holder's leases at once."""
    await session.execute(delete(Lease).where(Lease.holder == holder))


def _taking(now: datetime) -> Update:
    lease = now + timedelta(seconds=LEASE_SECONDS)
    return update(Job).values(state=JobState.RUNNING, attempts=Job.attempts + 1, leased_until=lease, handed_until=None)


async def _let_go(session: Session, job: Job, error: str, change: dict[str, Any]) -> None:
    change |= {"leased_until": None, "last_error": error[:ERROR_CHARACTERS]}
    await session.execute(update(Job).where(Job.id == job.id).values(change))
