"""Usage by any keys over any time: folded slots and the rows above the cursor, in one statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

from domain.analytics import GroupBy
from domain.slots import OFFSETS, PAIRS, Grain, View, is_by_time, is_together, view_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from datetime import datetime

    from db.database import Session
    from domain.slots import Stretch

STREAM_ROWS: Final = 1_000
MOST_CLOCKS: Final = 12
"""Clocks of a project besides those of every project: those of six zones whose clock is set twice a year."""


class Source(IntEnum):
    """Where slots are."""

    PROJECT = 1
    """Those of a project, by some keys."""
    KEYED = 2
    """Those of its wallets, by every key."""
    TOTAL = 3
    """Those of its wallets, by none."""


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
_API_KEY: Final = "coalesce((select 'key_' || replace(k.uuid::text, '-', '') from api_key k where k.id = {}), '')"

_STRETCH: Final = """stretch as materialized (
  select * from unnest(cast(:sources as smallint[]), cast(:views as smallint[]), cast(:grains as smallint[]),
    cast(:offsets as smallint[]), cast(:starts as timestamptz[]), cast(:stops as timestamptz[]))
    r (source, view, grain, utc_offset, start, stop)
), chosen as materialized (
  select w.id, w.uuid, w.sequence, coalesce(c.sequence, 0) as folded from wallet w
  left join usage_cursor c on c.wallet_id = w.id
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
)"""
_FITS: Final = """s.grain = r.grain and s.utc_offset = r.utc_offset
      and s.slot >= r.start and s.slot < r.stop offset 0"""
"""With a fence (offset 0): PostgreSQL looks each stretch up in the primary key; it would rather hash all the slots."""

_KEYS: Final = "s.feature, s.member, s.api_key_id, s.category"
_SUMS: Final = "s.events, s.units, s.credits, s.last_activity_at"
_READ: Final = {
    Source.PROJECT: f"""select null::uuid as wallet, s.* from (select * from stretch where source = 1) r
    cross join lateral (select s.slot as at, {_KEYS}, {_SUMS} from project_usage_slot s
      where s.project_id = :project_id and s.view = r.view and {_FITS}) s""",  # noqa: S608 - our own text
    Source.KEYED: f"""select c.uuid as wallet, s.* from (select * from stretch where source = 2) r cross join chosen c
    cross join lateral (select s.slot as at, {_KEYS}, {_SUMS} from usage_slot s
      where s.wallet_id = c.id and s.view = r.view and {_FITS}) s""",  # noqa: S608 - our own text
    Source.TOTAL: f"""select c.uuid as wallet, s.* from (select * from stretch where source = 3) r cross join chosen c
    cross join lateral (select s.slot as at, '' as feature, '' as member, 0::bigint as api_key_id,
      0::smallint as category, {_SUMS} from usage_total s where s.wallet_id = c.id and {_FITS}) s""",  # noqa: S608 - our own text
}
"""How slots are read from each of their tables."""

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

_UNFOLDED: Final = text(
    "select w.project_id from wallet w left join usage_cursor c on c.wallet_id = w.id"
    " where w.sequence > coalesce(c.sequence, 0)"
    " group by 1 having sum(w.sequence - coalesce(c.sequence, 0)) >= :rows order by 1"
)


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


async def fold(session: Session, project_id: int, rows: int) -> int:
    """Fold about so many of the next rows of a project's wallets into slots; how many it were."""
    query = text("select ledger.fold_usage(:project_id, :rows)")
    return int((await session.execute(query, {"project_id": project_id, "rows": rows})).scalar_one())


async def unfolded(session: Session, rows: int) -> list[int]:
    """Projects with at least so many rows that are not folded."""
    return list(await session.scalars(_UNFOLDED, {"rows": rows}))


async def state(session: Session, project_id: int, wallet_ids: Sequence[int] | None) -> State:
    """What slots there are beside the wallets' rows."""
    row = (await session.execute(_VERSION, wallet_words(project_id, wallet_ids))).one()
    version = f"{row.wallets}:{row.rows}:{row.updated_at}"
    clocks = OFFSETS.union(row.wanted), OFFSETS.union(row.made)
    return State(version, row.rows - row.folded, *clocks, row.oldest, row.newest)


async def want_clocks(session: Session, project_id: int, offsets: Collection[int]) -> None:
    """Have the days of other clocks made, MOST_CLOCKS of a project at most."""
    query = text("select ledger.want_clock(:project_id, cast(:utc_offset as smallint), :most)")
    for offset in sorted(offsets):
        await session.execute(query, {"project_id": project_id, "utc_offset": offset, "most": MOST_CLOCKS})


async def unmade(session: Session) -> Sequence[Any]:
    """Clocks whose days are not all made: (project_id, utc_offset)."""
    query = text("select project_id, utc_offset from usage_clock where made_until < 'infinity' order by 1, 2")
    return (await session.execute(query)).all()


async def make_clock(session: Session, project_id: int, utc_offset: int, rows: int) -> bool:
    """Make the next days of a clock, those of about so many rows; whether there are more."""
    query = text("select ledger.make_clock(:project_id, cast(:utc_offset as smallint), :rows)")
    words = {"project_id": project_id, "utc_offset": utc_offset, "rows": rows}
    return bool((await session.execute(query, words)).scalar_one())


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
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
    by = f"group by {', '.join(f'k{number}' for number in range(len(group_by)))}" if group_by else "having count(*) > 0"
    only = "" if asked.category is None else "where u.category = :category"
    sources = _sources(asked, is_together(wallet_ids, group_by))
    used = "\n  union all ".join([*(_READ[source] for source in sorted({source for source, _ in sources})), _TAIL])
    query = f"""with {_STRETCH}, used as ({used}), summed as (
      select {keys}sum(u.credits)::bigint as credits, sum(u.events)::bigint as events, sum(u.units)::bigint as units,
        max(u.last_activity_at) as last_activity_at from used u {only} {by} limit cast(:limit as bigint)
    ) {shown(group_by)}"""  # noqa: S608 - our own text
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches) | {"limit": limit}
    words |= {"sources": [int(source) for source, _ in sources], "views": [int(view) for _, view in sources]}
    return query, words | named_words(query, asked)


def shown(group_by: Sequence[GroupBy]) -> str:
    """What is summed, in its order, with the names of API keys; the caller names the others."""
    names = (_API_KEY if key is GroupBy.API_KEY else "{}" for key in group_by)
    listed = "".join(f"{name.format(f'k{number}')} as n{number}, " for number, name in enumerate(names))
    return f"select {listed}credits, events, units, last_activity_at from summed order by {order_of(group_by)}"  # noqa: S608 - our own text


def order_of(group_by: Sequence[GroupBy]) -> str:
    """Most credits first, or by time when a key is one."""
    order = [f"n{number}" for number in range(len(group_by))]
    order.insert(len(order) if is_by_time(group_by) else 0, "credits desc")
    return ", ".join(order)


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


def _sources(asked: Asked, together: bool) -> list[tuple[Source, View]]:  # noqa: FBT001 - one of two tables
    """From where each stretch is read: from the project's slots where it has them, else from those of its wallets."""
    view = view_of(asked.group_by, asked.category)
    found: list[tuple[Source, View]] = []
    for stretch in asked.stretches:
        quarter = stretch.grain is Grain.QUARTER
        if together and not (quarter and view in PAIRS):
            found.append((Source.PROJECT, view))
        else:
            found.append((Source.KEYED, View.ALL) if view or quarter else (Source.TOTAL, view))
    return found
