"""Recording usage: events of metrics, many in one call of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import select, text

from db.gathering import Gathered
from db.models.ledger import Wallet
from db.models.metrics import Metric, UsageEvent
from db.paging import newest_first
from domain.errors import Busy
from domain.limits import MAX_BATCH_ITEMS
from domain.metrics import CLOCK_SKEW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import TextClause

    from db.database import Database, Session
    from domain.pages import Page


Answer = dict[str, Any]
"""What the engine says of one event: the columns of ledger.usage_answer."""


QUEUE_EVENTS: Final = 20_000
"""Waiting events of one process; beyond it callers are told to come back (BUSY)."""


class UsageRecord(NamedTuple):
    """One event to record or to charge; `metadata` is JSON text, a wallet of None is no wallet."""

    now: datetime
    project_id: int
    api_key_id: int | None
    wallet: UUID | None
    metric: str
    units: int
    member: str | None
    occurred_at: datetime | None
    key: str
    key_hash: UUID
    metadata: str | None
    expected: int | None


_TYPES: Final = {
    "now": "timestamptz",
    "project_id": "bigint",
    "api_key_id": "bigint",
    "wallet": "uuid",
    "metric": "text",
    "units": "bigint",
    "member": "text",
    "occurred_at": "timestamptz",
    "key": "text",
    "key_hash": "uuid",
    "metadata": "text",
    "expected": "bigint",
}


def _call(function: str, names: Sequence[str]) -> TextClause:
    """The call of a function that takes events as arrays, in the order of UsageRecord."""
    arrays = [f"cast(:{name} as {_TYPES[name]}[])" for name in names]
    words = ", ".join(f"cast({array} as jsonb[])" if ":metadata" in array else array for array in arrays)
    return text(f"select * from ledger.{function}({CLOCK_SKEW_SECONDS}, {words}) order by item")  # noqa: S608 - our own words


_RECORD: Final = _call("record_usage", UsageRecord._fields[:-1])
_CHARGE: Final = _call("charge_usage", UsageRecord._fields)


async def record(session: Session, events: Sequence[UsageRecord]) -> Sequence[Answer]:
    """Record events, each on its own; the answers in the events' order."""
    return await _answers(session, _RECORD, events, UsageRecord._fields[:-1])


async def charge(session: Session, events: Sequence[UsageRecord]) -> Sequence[Answer]:
    """Spend for events and record those that were paid; the answers in the events' order."""
    return await _answers(session, _CHARGE, events, UsageRecord._fields)


async def _answers(
    session: Session, statement: TextClause, events: Sequence[UsageRecord], names: Sequence[str]
) -> Sequence[Answer]:
    columns = zip(*events, strict=True)
    words = {name: list(column) for name, column in zip(names, columns, strict=False)}
    return [dict(row) for row in (await session.execute(statement, words)).mappings()]


class Recorder:
    """Single events of one process: those that come together go as one call with one commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting = 0
        self._gathered: Gathered[tuple[int, UsageRecord], Answer] = Gathered(self._record, MAX_BATCH_ITEMS)

    async def record(self, event: UsageRecord) -> Answer:
        """The engine's answer to one event, after its commit. Raises Busy."""
        if self._waiting >= QUEUE_EVENTS:
            raise Busy("Too many events are waiting: send the same request with the same key in a moment.")
        # The same event sent twice at once is two: the second is told that it is a replay.
        self._waiting += 1
        try:
            answer = await self._gathered.get((id(event), event))
        finally:
            self._waiting -= 1
        assert answer is not None  # noqa: S101 - every event has an answer
        return answer

    async def _record(self, keys: Sequence[tuple[int, UsageRecord]]) -> dict[tuple[int, UsageRecord], Any]:
        async with self._database.transaction() as session:
            answers = await record(session, [event for _, event in keys])
        return dict(zip(keys, answers, strict=True))


async def events(session: Session, wallet_id: int, metric: str | None, page: Page) -> Sequence[Any]:
    """Events of a wallet, all or of one metric, the last recorded first."""
    columns = (*(c.label("details" if c.name == "metadata" else c.name) for c in UsageEvent.__table__.c),)
    query = select(*columns, Metric.key.label("metric_key"), Wallet.uuid.label("wallet_uuid"))
    query = query.join(Metric, Metric.id == UsageEvent.metric_id).join(Wallet, Wallet.id == UsageEvent.wallet_id)
    query = query.where(UsageEvent.wallet_id == wallet_id)
    if metric is not None:
        project_id = select(Wallet.project_id).where(Wallet.id == wallet_id).scalar_subquery()
        named = select(Metric.id).where(Metric.project_id == project_id, Metric.key == metric)
        query = query.where(UsageEvent.metric_id == named.scalar_subquery())
    return (await session.execute(newest_first(query, UsageEvent.id, page))).all()
