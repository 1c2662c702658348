"""Which due jobs a message broker has been told of: a mark on the job, which passes by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Integer, Text, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import array

from db.models.jobs import Job
from domain.jobs import JobState, Queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from db.database import Session

HANDED_SECONDS: Final = 120.0
"""A job whose message was lost with its broker is handed over again after this long."""

WINDOW_JOBS: Final = 500
"""The most jobs of one queue that are on their way at once: a backlog stays in the database."""


async def hand_over(session: Session, now: datetime) -> list[tuple[int, Queue]]:
    """Mark due jobs as handed over, oldest first, as many as their queues' windows have room for."""
    room = await _room(session, now)
    names, rooms = array(list(room), type_=Text), array(list(room.values()), type_=Integer)
    queues = func.unnest(names, rooms).table_valued("name", "room").render_derived("queues")
    waiting = (
        select(Job.id)
        .where(Job.queue == queues.c.name, Job.state == JobState.READY, Job.run_at <= now, _is_free(now))
        .order_by(Job.run_at)
        .limit(queues.c.room)
        .with_for_update(skip_locked=True)
        .lateral()
    )
    # A CTE that locks is run once, whatever the planner thinks of the rest.
    due = select(waiting.c.id).select_from(queues.join(waiting, true())).cte("due")
    marked = (
        update(Job)
        .where(Job.id == due.c.id)
        .values(handed_until=now + timedelta(seconds=HANDED_SECONDS))
        .returning(Job.id, Job.queue)
    )
    return [(job_id, Queue(queue)) for job_id, queue in await session.execute(marked)]


async def take_back(session: Session, job_ids: Sequence[int]) -> None:
    """Unmark jobs that the broker did not confirm; a message of theirs that arrives all the same does nothing."""
    await session.execute(update(Job).where(Job.id.in_(job_ids), Job.state == JobState.READY).values(handed_until=None))


async def next_handover_at(session: Session) -> datetime | None:
    """When the next job that nobody was told of is due."""
    return await session.scalar(
        select(func.min(Job.run_at)).where(Job.state == JobState.READY, Job.handed_until.is_(None))
    )


async def _room(session: Session, now: datetime) -> dict[str, int]:
    """How many more jobs may be on their way, by queue."""
    handed = select(Job.queue, func.count()).where(Job.state == JobState.READY, Job.handed_until > now)
    counts = {row[0]: row[1] for row in await session.execute(handed.group_by(Job.queue))}
    return {queue.value: max(WINDOW_JOBS - counts.get(queue.value, 0), 0) for queue in Queue}


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(Job.handed_until.is_(None), Job.handed_until <= now)
