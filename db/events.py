"""Queries of what providers told us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import BigInteger, any_, cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from db.models.events import GatewayEvent
from db.models.jobs import Job
from db.paging import newest_first
from domain.jobs import JobState
from domain.webhooks import WebhookEvent, WebhookState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select

    from db.database import Session
    from domain.pages import Page


class Message(NamedTuple):
    """A verified message as it is kept."""

    gateway: str
    event_id: str
    type: str
    kind: str
    order_id: str | None
    body: bytes


_STORE: Final = text("""
    with stored as (
      insert into gateway_event (gateway, event_id, type, kind, order_id, body, project_id, job_id)
      select m.*, coalesce(
          (select p.project_id from purchase_order o join purchase p on p.id = o.purchase_id
            where o.gateway = m.gateway and o.order_id = m.order_id),
          (select p.project_id from purchase p where p.gateway = m.gateway and p.payment_id = m.order_id)),
        nextval('job_id_seq')
      from unnest(cast(:gateways as text[]), cast(:event_ids as text[]), cast(:types as text[]), cast(:kinds as text[]),
        cast(:order_ids as text[]), cast(:bodies as bytea[])) as m (gateway, event_id, type, kind, order_id, body)
      on conflict (gateway, event_id) do nothing returning id, gateway, event_id, project_id, job_id
    ), asked as (
      insert into job (id, project_id, queue, kind, payload, run_at)
      select job_id, project_id, :queue, :job, jsonb_build_object('event', id, 'project_id', project_id), :run_at
      from stored
    )
    select gateway, event_id from stored""")


async def store(
    session: Session, messages: Sequence[Message], job: tuple[str, str], run_at: datetime
) -> set[tuple[str, str]]:
    """Keep messages, each with its job (queue, kind), in one statement; the gateway and id of those that are new."""
    columns = ("gateways", "event_ids", "types", "kinds", "order_ids", "bodies")
    words: dict[str, Any] = dict(zip(columns, map(list, zip(*messages, strict=True)), strict=True))
    rows = await session.execute(_STORE, words | {"queue": job[0], "job": job[1], "run_at": run_at})
    return {(gateway, event_id) for gateway, event_id in rows}


async def get(session: Session, event_id: int) -> GatewayEvent | None:
    """A stored message."""
    return await session.get(GatewayEvent, event_id, populate_existing=True)


async def many(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    """What settling needs of stored messages: their id, gateway, kind, order and project."""
    columns = (GatewayEvent.id, GatewayEvent.gateway, GatewayEvent.kind, GatewayEvent.order_id, GatewayEvent.project_id)
    return (await session.execute(select(*columns).where(GatewayEvent.id == any_(cast(ids, ARRAY(BigInteger)))))).all()


class Verdict(NamedTuple):
    """What was made of a message, in which attempt, and whose it is."""

    event_id: int
    word: str
    attempts: int
    project_id: int | None


_MARK: Final = text("""
    update gateway_event e set verdict = v.word, attempts = v.attempts, project_id = v.project_id,
      processed_at = clock_timestamp()
    from unnest(cast(:event_ids as bigint[]), cast(:words as text[]), cast(:tries as int[]),
      cast(:project_ids as bigint[])) v (id, word, attempts, project_id)
    where e.id = v.id""")


async def mark_all(session: Session, verdicts: Sequence[Verdict]) -> None:
    """Note what was made of messages, in one statement."""
    columns = zip(("event_ids", "words", "tries", "project_ids"), map(list, zip(*verdicts, strict=True)), strict=True)
    await session.execute(_MARK, dict(columns))


async def mark(session: Session, event: GatewayEvent, verdict: str) -> None:
    """Note what was made of a message, and after how many attempts."""
    attempts = select(Job.attempts).where(Job.id == GatewayEvent.job_id).scalar_subquery()
    change = {"verdict": verdict, "processed_at": func.clock_timestamp(), "attempts": attempts}
    await session.execute(update(GatewayEvent).where(GatewayEvent.id == event.id).values(change))


async def belongs_to(session: Session, event: GatewayEvent, project_id: int) -> None:
    """Note whose message it is, on its job too, so that the project's owners see both."""
    await session.execute(update(GatewayEvent).where(GatewayEvent.id == event.id).values(project_id=project_id))
    await session.execute(update(Job).where(Job.id == event.job_id).values(project_id=project_id))


async def purge(session: Session, before: datetime, limit: int) -> int:
    """Delete some messages that came before a time and were acted on; how many."""
    old = select(GatewayEvent.id).where(GatewayEvent.received_at < before, GatewayEvent.processed_at.is_not(None))
    chosen = old.limit(limit).scalar_subquery()
    rows = await session.execute(delete(GatewayEvent).where(GatewayEvent.id.in_(chosen)).returning(GatewayEvent.id))
    return len(rows.all())


async def newest(
    session: Session, project_id: int, gateway: str | None, state: WebhookState | None, page: Page
) -> list[WebhookEvent]:
    """The project's messages, of one gateway or in one state if named, newest first."""
    query = _logged().where(GatewayEvent.project_id == project_id)
    if gateway is not None:
        query = query.where(GatewayEvent.gateway == gateway)
    if state is WebhookState.PROCESSED:
        query = query.where(GatewayEvent.processed_at.is_not(None))
    elif state is not None:
        is_dead = Job.state == JobState.DEAD
        query = query.where(GatewayEvent.processed_at.is_(None), is_dead if state is WebhookState.DEAD else ~is_dead)
    return [_event(row) for row in await session.execute(newest_first(query, GatewayEvent.id, page))]


async def with_ids(session: Session, project_id: int, ids: Sequence[int]) -> dict[int, WebhookEvent]:
    """The project's messages among the ids."""
    query = _logged().where(GatewayEvent.project_id == project_id, GatewayEvent.id.in_(ids))
    return {row.id: _event(row) for row in await session.execute(query)}


def _logged() -> Select[Any]:
    of_event = ("id", "gateway", "event_id", "type", "order_id", "verdict", "received_at", "processed_at", "job_id")
    columns = [getattr(GatewayEvent, name) for name in of_event]
    attempts = func.coalesce(GatewayEvent.attempts, Job.attempts, 0).label("attempts")
    query = select(*columns, attempts, Job.last_error, Job.state.label("job_state"))
    return query.outerjoin(Job, Job.id == GatewayEvent.job_id)


def _event(row: Row[Any]) -> WebhookEvent:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    dead = values.pop("job_state") is JobState.DEAD
    state = WebhookState.DEAD if dead else WebhookState.WAITING
    return WebhookEvent(state=WebhookState.PROCESSED if row.processed_at else state, **values)
