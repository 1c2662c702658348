"""Usage by any keys over any time: folded slots and the rows above the cursor, in one statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

from domain.analytics import GroupBy
from domain.slots import OFFSETS, PAIRS, Grain, View, is_by_time, view_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import TextClause

    from db.database import Session
    from domain.slots import Stretch

STREAM_ROWS: Final = 1_000
MOST_CLOCKS: Final = 12
"""Clocks of a project besides those of every project: those of six zones whose clock is set twice a year."""

_BIT_BY_BIT: Final = {"yield_per": STREAM_ROWS}
_LOCAL: Final = "u.at at time zone cast(:zone as text)"
KEYS: Final[dict[GroupBy, str]] = {
    GroupBy.FEATURE: "u.feature",
    GroupBy.CATEGORY: "u.category",
    GroupBy.MEMBER: "u.member",
    GroupBy.API_KEY: "u.api_key_id",
    GroupBy.WALLET: "u.wallet_id",
    GroupBy.HOUR: "date_trunc('hour', u.at, cast(:zone as text))",
    GroupBy.DAY: f"date_trunc('day', {_LOCAL})",
    GroupBy.WEEK: f"date_trunc('week', {_LOCAL})",
    GroupBy.MONTH: f"date_trunc('month', {_LOCAL})",
    GroupBy.METRIC: "u.metric",
}
NAMES: Final[dict[GroupBy, str]] = {
    GroupBy.FEATURE: "{}",
    GroupBy.CATEGORY: "{}::text",
    GroupBy.MEMBER: "{}",
    GroupBy.API_KEY: "coalesce((select 'key_' || replace(k.uuid::text, '-', '') from api_key k where k.id = {}), '')",
    GroupBy.WALLET: "(select 'wal_' || replace(w.uuid::text, '-', '') from wallet w where w.id = {})",
    GroupBy.HOUR: "to_char({} at time zone 'utc', 'YYYY-MM-DD\"T\"HH24\\:MI\"Z\"')",
    GroupBy.DAY: "to_char({}, 'YYYY-MM-DD')",
    GroupBy.WEEK: "to_char({}, 'YYYY-MM-DD')",
    GroupBy.MONTH: "to_char({}, 'YYYY-MM')",
    GroupBy.METRIC: "{}",
}
"""How a key is written, once for each group."""

_FITS: Final = """s.view = r.view and s.grain = r.grain and s.utc_offset = r.utc_offset
      and s.slot >= r.start and s.slot < r.stop offset 0"""
"""With a fence (offset 0): PostgreSQL looks each stretch up in the primary key; it would rather hash all the slots."""

_STRETCH: Final = """stretch as materialized (
  select * from unnest(cast(:of_project as boolean[]), cast(:views as smallint[]), cast(:grains as smallint[]),
    cast(:offsets as smallint[]), cast(:starts as timestamptz[]), cast(:stops as timestamptz[]))
    r (of_project, view, grain, utc_offset, start, stop)
)"""
_SLOT: Final = """s.slot as at, s.feature, s.member, s.api_key_id, s.category, s.events, s.units, s.credits,
    s.last_activity_at"""
_USED: Final = f"""with {_STRETCH}, chosen as materialized (
  select w.id, w.sequence, coalesce(c.sequence, 0) as folded from wallet w
  left join usage_cursor c on c.wallet_id = w.id
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
), used as (
  select c.id as wallet_id, s.* from (select * from stretch where not of_project) r cross join chosen c
    cross join lateral (select {_SLOT} from usage_slot s where s.wallet_id = c.id and {_FITS}) s
  union all
  select 0, s.* from (select * from stretch where of_project) r
    cross join lateral (select {_SLOT} from project_usage_slot s where s.project_id = :project_id and {_FITS}) s
  union all
  select c.id, t.* from (select * from chosen where sequence > folded) c cross join lateral (
    select t.created_at, coalesce(t.feature, 'HOLD_CAPTURE'), coalesce(t.member, ''), coalesce(t.api_key_id, 0),
      coalesce(t.category, 0::smallint), 1, coalesce(t.units, 0), t.amount, t.created_at
    from credit_transaction t where t.wallet_id = c.id and t.sequence > c.folded and t.to_account = 12
      and t.created_at >= :start and t.created_at < :end offset 0) t
)"""  # noqa: S608 - our own text
_VERSION: Final = text(
    "select count(*) as wallets, coalesce(sum(w.sequence), 0)::bigint as rows, max(w.updated_at) as updated_at,"
    " coalesce(sum(c.sequence), 0)::bigint as folded,"
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

    Of clocks (minutes ahead of UTC) some are wanted, and of these the days of some are made.
    """

    version: str
    waiting: int
    wanted: frozenset[int]
    made: frozenset[int]


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
    return State(version, row.rows - row.folded, OFFSETS.union(row.wanted), OFFSETS.union(row.made))


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
) -> Sequence[Any]:
    """Usage by keys: (each key, credits, events, units, last_activity_at), most credits first, or by time.

    None means every wallet.
    """
    return (await session.execute(*_query(project_id, wallet_ids, asked, limit))).all()


async def streamed(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked
) -> AsyncGenerator[Any, None]:
    """The same without a limit, read bit by bit while it is consumed."""
    rows = await session.stream(*_query(project_id, wallet_ids, asked, None), execution_options=_BIT_BY_BIT)
    async for row in rows:
        yield row


def _query(
    project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int | None
) -> tuple[TextClause, dict[str, Any]]:
    group_by = asked.group_by
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
    names = "".join(f"{NAMES[key].format(f'k{number}')} as n{number}, " for number, key in enumerate(group_by))
    by = f"group by {', '.join(f'k{number}' for number in range(len(group_by)))}" if group_by else "having count(*) > 0"
    only = "" if asked.category is None else "where u.category = :category"
    query = (
        f"{_USED}, summed as (select {keys}sum(u.credits)::bigint as credits, sum(u.events)::bigint as events,"  # noqa: S608 - our own text
        f" sum(u.units)::bigint as units, max(u.last_activity_at) as last_activity_at from used u {only} {by}"
        " limit cast(:limit as bigint))"
        f" select {names}credits, events, units, last_activity_at from summed order by {order_of(group_by)}"
    )
    together = wallet_ids is None and GroupBy.WALLET not in group_by
    view = view_of(group_by) | (View.TOTAL if asked.category is None else View.FEATURE)
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches)
    words |= _sources(asked.stretches, view, together=together) | {"limit": limit}
    return text(query), words | named_words(query, asked)


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


def _sources(stretches: Sequence[Stretch], view: View, *, together: bool) -> dict[str, list[Any]]:
    """Which slots each stretch is read from: the project's where it has them, else those of its wallets."""
    quarters = [stretch.grain is Grain.QUARTER for stretch in stretches]
    projects = [together and not (quarter and view in PAIRS) for quarter in quarters]
    of_wallets = [View.ALL if view or quarter else View.TOTAL for quarter in quarters]
    return {
        "of_project": projects,
        "views": [int(view if of_project else own) for of_project, own in zip(projects, of_wallets, strict=True)],
    }
