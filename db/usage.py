"""Usage by any keys over any time: what is folded and the rows above the cursor, in one statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

from domain.analytics import GroupBy
from domain.slots import OF_MONTHS, OFFSETS, PAIRS, Grain, View, is_by_time, is_together, view_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from datetime import datetime

    from db.database import Session
    from domain.slots import Stretch

STREAM_ROWS: Final = 1_000


class Source(IntEnum):
    """Where usage is summed up."""

    PROJECT = 1
    """Slots of a project, by some keys."""
    QUARTERS = 2
    """Quarters of its wallets, by every key."""
    MONTHS = 3
    """Months of its wallets, which know each of their days."""


_BIT_BY_BIT: Final = {"yield_per": STREAM_ROWS}
_LOCAL: Final = "u.at at time zone cast(:zone as text)"
KEYS: Final[dict[GroupBy, str]] = {
    GroupBy.FEATURE: "u.feature",
    GroupBy.CATEGORY: "u.category",
    GroupBy.MEMBER: "u.member",
    GroupBy.API_KEY: "u.api_key_id",
    GroupBy.WALLET: "u.wallet",
    GroupBy.HOUR: "date_trunc('hour', u.at, cast(:zone as text))",
    GroupBy.DAY: f"({_LOCAL})::date",
    GroupBy.WEEK: f"date_trunc('week', {_LOCAL})::date",
    GroupBy.MONTH: f"date_trunc('month', {_LOCAL})::date",
    GroupBy.METRIC: "u.metric",
}
_OF_MONTHS: Final = KEYS | {
    GroupBy.DAY: "u.day",
    GroupBy.WEEK: "date_trunc('week', u.day::timestamp)::date",
    GroupBy.MONTH: "u.day",
}
"""The same of a wallet's months, whose days are dates already; a month is its first day."""

_API_KEY: Final = "coalesce((select 'key_' || replace(k.uuid::text, '-', '') from api_key k where k.id = {}), '')"

_STRETCH: Final = """stretch as materialized (
  select r.*, d.first, d.after, date_trunc('month', d.first::timestamp)::date as month
  from unnest(cast(:sources as smallint[]), cast(:views as smallint[]), cast(:grains as smallint[]),
    cast(:offsets as smallint[]), cast(:starts as timestamptz[]), cast(:stops as timestamptz[]))
    r (source, view, grain, utc_offset, start, stop)
  cross join lateral (select (start at time zone 'utc' + utc_offset * interval '1 minute')::date as first,
    (stop at time zone 'utc' + utc_offset * interval '1 minute')::date as after) d
), chosen as materialized (
  select w.id, w.uuid, w.sequence, coalesce(c.sequence, 0) as folded from wallet w
  left join usage_cursor c on c.wallet_id = w.id
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
)"""
_KEYS: Final = "s.feature, s.member, s.api_key_id, s.category"
_SUMS: Final = "s.events, s.units, s.credits, s.last_activity_at"
_MONTHS: Final = """(select c.uuid, s.*, least(r.after - s.month, array_length(s.days, 1)) as stop,
    least(greatest(r.first - s.month, 0), array_length(s.days, 1)) as start
  from (select * from stretch where source = 3) r cross join chosen c
  cross join lateral (select * from usage_month s where s.wallet_id = c.id and s.view = r.view
    and s.utc_offset = r.utc_offset and s.month >= r.month and s.month < r.after offset 0) s offset 0) s"""


def _between(start: str, stop: str) -> str:
    """What a month has between two of its days, of which the first does not count; days before the first are none."""
    sums = enumerate(("events", "units", "credits"), start=1)
    listed = "".join(f"s.days[{stop}][{n}] - coalesce(s.days[{start}][{n}], 0) as {name}, " for n, name in sums)
    return f"{listed}timestamptz 'epoch' + s.days[{stop}][4] * interval '1 microsecond' as last_activity_at"


# Behind a fence (offset 0) PostgreSQL looks each stretch up in the primary key; it would rather hash all the slots.
_READ: Final = {
    Source.PROJECT: f"""select null::uuid as wallet, s.* from (select * from stretch where source = 1) r
    cross join lateral (select s.slot as at, {_KEYS}, {_SUMS} from project_usage_slot s
      where s.project_id = :project_id and s.view = r.view and s.grain = r.grain and s.utc_offset = r.utc_offset
        and s.slot >= r.start and s.slot < r.stop offset 0) s""",  # noqa: S608 - our own text
    Source.QUARTERS: f"""select c.uuid as wallet, s.* from (select * from stretch where source = 2) r
    cross join chosen c cross join lateral (select s.slot as at, {_KEYS}, {_SUMS} from usage_quarter s
      where s.wallet_id = c.id and s.slot >= r.start and s.slot < r.stop offset 0) s""",  # noqa: S608 - our own text
}
"""How usage is read that stands in slots."""

_IN_SUM: Final = f"""select s.uuid as wallet, s.month as day, {_KEYS}, {_between("s.start", "s.stop")}
    from {_MONTHS} where s.days[s.stop][1] > coalesce(s.days[s.start][1], 0)"""  # noqa: S608 - our own text
_DAY_BY_DAY: Final = f"""select s.uuid as wallet, s.month + n - 1 as day, {_KEYS}, {_between("n - 1", "n")}
    from {_MONTHS} cross join lateral generate_series(s.start + 1, s.stop) n
    where s.days[n][1] > coalesce(s.days[n - 1][1], 0)"""  # noqa: S608 - our own text
"""How usage is read from months of wallets: for answers by day or week, and for others."""

_TAIL: Final = """select c.uuid as wallet, t.* from (select * from chosen where sequence > folded) c
  cross join lateral (select t.created_at as at, coalesce(t.feature, 'HOLD_CAPTURE') as feature,
      coalesce(t.member, '') as member, coalesce(t.api_key_id, 0) as api_key_id,
      coalesce(t.category, 0::smallint) as category, 1::bigint as events, coalesce(t.units, 0) as units,
      t.amount as credits, t.created_at as last_activity_at
    from credit_transaction t where t.wallet_id = c.id and t.sequence > c.folded and t.to_account = 12
      and t.created_at >= :start and t.created_at < :end offset 0) t"""
_VERSION: Final = text(
    "select count(*) as wallets, coalesce(sum(w.sequence), 0)::bigint as rows, max(w.updated_at) as updated_at,"
    " coalesce(sum(c.sequence), 0)::bigint as folded,"
    " (select min(slot) from project_usage_slot where (project_id, view, grain, utc_offset) = (:project_id, 0, 1, 0))"
    " as oldest,"
    " (select max(slot) from project_usage_slot where (project_id, view, grain, utc_offset) = (:project_id, 0, 1, 0))"
    " as newest,"
    " array(select utc_offset from usage_clock where project_id = :project_id) as wanted,"
    " array(select utc_offset from usage_clock where project_id = :project_id and made_until = 'infinity') as made"
    " from wallet w left join usage_cursor c on c.wallet_id = w.id"
    " where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))"
)
"""Sequences only grow, so their sum changes with every row; the time tells one database from another."""


class State(NamedTuple):
    """`version` is another text after each change of the wallets' rows, of which so many are not folded.

    Of clocks (minutes ahead of UTC) some are wanted, and of these the days of some are made. The project's oldest and
    newest quarters begin then, if any is folded.
    """

    version: str
    waiting: int
    wanted: frozenset[int]
    made: frozenset[int]
    oldest: datetime | None
    newest: datetime | None


class Figures(NamedTuple):
    """Usage by keys, in columns: of each key (a wallet is its uuid, a day, week or month a date), and of its sums."""

    keys: Sequence[Sequence[Any]]
    credits: Sequence[int]
    events: Sequence[int]
    units: Sequence[int]
    last_activity_at: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Asked:
    """By which keys, of which category if not of all, from when to before when, in which zone, from which slots."""

    group_by: Sequence[GroupBy]
    category: int | None
    start: datetime
    end: datetime
    zone: str
    stretches: Sequence[Stretch]


async def state(session: Session, project_id: int, wallet_ids: Sequence[int] | None) -> State:
    """What slots there are beside the wallets' rows."""
    row = (await session.execute(_VERSION, wallet_words(project_id, wallet_ids))).one()
    version = f"{row.wallets}:{row.rows}:{row.updated_at}"
    clocks = OFFSETS.union(row.wanted), OFFSETS.union(row.made)
    return State(version, row.rows - row.folded, *clocks, row.oldest, row.newest)


async def used(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int
) -> Figures:
    """Usage by keys, most credits first, or by time. None means every wallet."""
    query, words = _query(project_id, wallet_ids, asked, limit)
    return await in_columns(session, asked.group_by, query, words)


async def streamed(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked
) -> AsyncGenerator[Any, None]:
    """The same without a limit, as rows that are read bit by bit while they are consumed."""
    query, words = _query(project_id, wallet_ids, asked, None)
    rows = await session.stream(text(query), words, execution_options=_BIT_BY_BIT)
    async for row in rows:
        yield row


async def in_columns(session: Session, group_by: Sequence[GroupBy], query: str, words: dict[str, Any]) -> Figures:
    """What a question by keys finds, its columns as arrays: a tenth of the time that as many rows take."""
    columns = [f"n{number}" for number in range(len(group_by))] + ["credits", "events", "units", "last_activity_at"]
    arrays = ", ".join(f"coalesce(array_agg({column}), '{{}}')" for column in columns)
    found = (await session.execute(text(f"select {arrays} from ({query}) found"), words)).one()  # noqa: S608 - our own text
    return Figures(found[: len(group_by)], *found[len(group_by) :])


def _query(
    project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int | None
) -> tuple[str, dict[str, Any]]:
    group_by = asked.group_by
    sources = _sources(asked, is_together(wallet_ids, group_by))
    used = "\n  union all ".join(_pieces(asked, {source for source, _ in sources}))
    keys = [f"k{number}" for number in range(len(group_by))]
    by = f"group by {', '.join(keys)}" if keys else "having count(*) > 0"
    query = f"""with {_STRETCH}, used as ({used}), summed as (
      select {"".join(f"u.{key}, " for key in keys)}ledger.total(u.credits) as credits,
        ledger.total(u.events) as events, ledger.total(u.units) as units, max(u.last_activity_at) as last_activity_at
      from used u {by} limit cast(:limit as bigint)
    ) {shown(group_by)}"""  # noqa: S608 - our own text
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches) | {"limit": limit}
    words |= {"sources": [int(source) for source, _ in sources], "views": [int(view) for _, view in sources]}
    return query, words | named_words(query, asked)


def _pieces(asked: Asked, sources: Collection[Source]) -> list[str]:
    """What is read from each source, by the keys, and the rows that are not folded yet."""
    months = _IN_SUM if {GroupBy.DAY, GroupBy.WEEK}.isdisjoint(asked.group_by) else _DAY_BY_DAY
    reads = [(months, _OF_MONTHS) if source is Source.MONTHS else (_READ[source], KEYS) for source in sorted(sources)]
    only = "" if asked.category is None else "where u.category = :category"
    pieces = []
    for read, named in [*reads, (_TAIL, KEYS)]:
        keys = "".join(f"{named[key]} as k{number}, " for number, key in enumerate(asked.group_by))
        pieces.append(f"select {keys}u.credits, u.events, u.units, u.last_activity_at from ({read}) u {only}")  # noqa: S608 - our own text
    return pieces


def shown(group_by: Sequence[GroupBy]) -> str:
    """What is summed, in its order, with the names of API keys; the caller names the others."""
    names = (_API_KEY if key is GroupBy.API_KEY else "{}" for key in group_by)
    listed = "".join(f"{name.format(f'k{number}')} as n{number}, " for number, name in enumerate(names))
    return f"select {listed}credits, events, units, last_activity_at from summed order by {order_of(group_by)}"  # noqa: S608 - our own text


def order_of(group_by: Sequence[GroupBy]) -> str:
    """Most credits first, or by time when a key is one: each combination of keys is there once."""
    keys = [f"n{number}" for number in range(len(group_by))]
    return ", ".join(keys if is_by_time(group_by) else ["credits desc", *keys])


def named_words(query: str, asked: Asked) -> dict[str, Any]:
    """Those parameters of a question that the statement names."""
    words = {"start": asked.start, "end": asked.end, "zone": asked.zone, "category": asked.category}
    return {name: value for name, value in words.items() if re.search(rf":{name}\b", query)}


def stretch_words(stretches: Sequence[Stretch]) -> dict[str, list[Any]]:
    """The stretches as arrays."""
    return {
        "grains": [int(stretch.grain) for stretch in stretches],
        "offsets": [stretch.utc_offset for stretch in stretches],
        "starts": [stretch.start for stretch in stretches],
        "stops": [stretch.end for stretch in stretches],
    }


def wallet_words(project_id: int, wallet_ids: Sequence[int] | None) -> dict[str, Any]:
    """Whose usage it is, as parameters."""
    return {"project_id": project_id, "every": wallet_ids is None, "wallet_ids": list(wallet_ids or ())}


def _sources(asked: Asked, together: bool) -> list[tuple[Source, View]]:  # noqa: FBT001 - one of two kinds
    """From where each stretch is read: from the project's slots where it has them, else from its wallets."""
    view = view_of(asked.group_by, asked.category)
    found: list[tuple[Source, View]] = []
    for stretch in asked.stretches:
        quarter = stretch.grain is Grain.QUARTER
        if together and not (quarter and view in PAIRS):
            found.append((Source.PROJECT, view))
        elif quarter:
            found.append((Source.QUARTERS, View.ALL))
        else:
            found.append((Source.MONTHS, view if view in OF_MONTHS else View.ALL))
    return found
