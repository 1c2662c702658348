"""Recorded usage by any keys over any time, read from the sums that its events wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from db.usage import KEYS, in_columns, named_words, shown, stretch_words, wallet_words
from domain.analytics import GroupBy
from domain.slots import View, is_together, is_whole, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session
    from db.usage import Asked, Figures

_OF_METRIC: Final = frozenset({GroupBy.METRIC, GroupBy.FEATURE, GroupBy.CATEGORY})
_SLOTS: Final = """with chosen as materialized (
  select w.id, w.uuid from wallet w
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
), used as (
  select c.uuid as wallet, s.slot as at, s.*,
    s.metric_id = any(array(select id from metric where project_id = :project_id and aggregation > 1)) as gauge
  from unnest(cast(:grains as smallint[]), cast(:offsets as smallint[]), cast(:starts as timestamptz[]),
    cast(:stops as timestamptz[])) r (grain, utc_offset, start, stop)
  cross join chosen c cross join lateral (select * from metric_slot s where s.wallet_id = c.id and s.grain = r.grain
    and s.utc_offset = r.utc_offset and s.slot >= r.start and s.slot < r.stop offset 0) s
)"""

_TOGETHER: Final = """with stretch as materialized (
  select * from unnest(cast(:grains as smallint[]), cast(:offsets as smallint[]), cast(:starts as timestamptz[]),
    cast(:stops as timestamptz[]), cast(:wholes as boolean[])) r (grain, utc_offset, start, stop, whole)
), measured as materialized (
  select id, key, coalesce(feature, '') as feature, category, aggregation from metric where project_id = :project_id
)"""
_FOLDED: Final = """select s.slot as at, s.metric_id, s.member, s.api_key_id, s.events, s.units, s.credits,
    s.last_activity_at, r.whole
  from stretch r cross join lateral (select * from project_metric_slot s where s.project_id = :project_id
    and s.view = :view and s.utc_offset = r.utc_offset and s.grain = r.grain and s.slot >= r.start and s.slot < r.stop
    offset 0) s"""
_WAITING: Final = """select c.slot, c.metric_id, c.member, c.api_key_id, c.events, c.units, c.credits,
    c.last_activity_at, c.grain > 1
  from metric_change c where c.project_id = :project_id and case when c.grain = 1
    then c.slot >= :start and c.slot < :end else exists (select from stretch r where r.whole and r.grain = c.grain
      and r.utc_offset = c.utc_offset and c.slot >= r.start and c.slot < r.stop) end"""
_GAUGES: Final = """select s.slot as at, s.metric_id, s.wallet_id, s.member, s.units, m.aggregation
  from measured m join stretch r on not r.whole cross join lateral (select * from gauge_slot s
    where s.metric_id = m.id and s.utc_offset = r.utc_offset and s.grain = r.grain and s.slot >= r.start
      and s.slot < r.stop offset 0) s where m.aggregation > 1"""
_GAUGES_BY_KEY: Final = """select s.at, s.metric_id, s.member, s.api_key_id, 0,
    case m.aggregation when 2 then s.most else s.latest[3] end, 0, '-infinity', true
  from wallet w cross join lateral (
    select max(s.slot) as at, s.metric_id, s.member, s.api_key_id, max(s.most) as most, max(s.latest) as latest
    from stretch r cross join lateral (select * from metric_slot s where s.wallet_id = w.id and s.grain = r.grain
      and s.utc_offset = r.utc_offset and s.slot >= r.start and s.slot < r.stop
      and s.metric_id = any(array(select id from measured where aggregation > 1)) offset 0) s
    group by 2, 3, 4 offset 0) s
  join measured m on m.id = s.metric_id where w.project_id = :project_id"""
"""What counts of each wallet, member and API key; a question by API key has no time besides, as it has two keys."""

_QUARTERS: Final = "project_metric_slot where (project_id, view, utc_offset, grain) = (:project_id, 0, 0, 1)"
_STATE: Final = text(
    f"select c.waiting, least(c.oldest, (select min(slot) from {_QUARTERS})) as oldest,"  # noqa: S608 - our own text
    f" greatest(c.newest, (select max(slot) from {_QUARTERS})) as newest from ("
    "  select count(*) as waiting, min(slot) filter (where grain = 1) as oldest,"
    "    max(slot) filter (where grain = 1) as newest"
    "  from (select slot, grain from metric_change where project_id = :project_id limit :limit) c) c"
)


class State(NamedTuple):
    """How many changes of a project's sums wait, and when its oldest and newest quarters begin, if that is known."""

    waiting: int
    oldest: datetime | None
    newest: datetime | None


async def state(session: Session, project_id: int, most: int) -> State:
    """What sums of recorded usage there are of a project; of the changes that wait one more than `most` is read."""
    row = (await session.execute(_STATE, {"project_id": project_id, "limit": most + 1})).one()
    return State(row.waiting, *(row.oldest, row.newest) if row.waiting <= most else (None, None))


async def recorded(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int
) -> Figures:
    """Recorded usage by keys, as db.usage.used gives it: every wallet's and member's own figure, added up."""
    if is_together(wallet_ids, asked.group_by):
        return await _together(session, project_id, asked, limit)
    group_by = asked.group_by
    own = {f"k{number}": KEYS[key] for number, key in enumerate(group_by) if key not in _OF_METRIC}
    keys = {f"k{number}": KEYS[key] if key in _OF_METRIC else f"u.k{number}" for number, key in enumerate(group_by)}
    only = "" if asked.category is None else "where u.category = :category"
    # A series of its own is kept for each wallet and member of a gauge alone, the largest and the last event too.
    query = f"""{_SLOTS}, series as (
      select {_listed(own)}u.metric_id, sum(u.credits) as credits, sum(u.events) as events, sum(u.units) as units,
        max(case when u.gauge then u.most end) as most, max(case when u.gauge then u.latest end) as latest,
        max(u.last_activity_at) as last_activity_at
      from used u group by {"".join(f"{name}, " for name in own)}u.metric_id, case when u.gauge then u.wallet_id end,
        case when u.gauge then u.member end
    ), named as (
      select s.*, m.key as metric, coalesce(m.feature, '') as feature, m.category, m.aggregation
      from series s join metric m on m.id = s.metric_id
    ), summed as (
      select {_listed(keys)}sum(u.credits)::bigint as credits, sum(u.events)::bigint as events,
        least(sum(case u.aggregation when 1 then u.units when 2 then u.most else u.latest[3] end), {2**62})::bigint
          as units, max(u.last_activity_at) as last_activity_at
      from named u {only} group by {", ".join(keys)} limit cast(:limit as bigint)
    ) {shown(group_by)}"""  # noqa: S608 - our own text
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches) | {"limit": limit}
    return await in_columns(session, group_by, query, words | named_words(query, asked))


def _listed(columns: dict[str, str]) -> str:
    return "".join(f"{expression} as {name}, " for name, expression in columns.items())


async def _together(session: Session, project_id: int, asked: Asked, limit: int) -> Figures:
    """The same from the sums of the project, the changes of these that wait, and gauges where these sums are none."""
    group_by = asked.group_by
    wholes = [is_whole(stretch.grain, group_by) for stretch in asked.stretches]
    keys = {f"k{number}": KEYS[key] for number, key in enumerate(group_by)}
    only = "" if asked.category is None else "where m.category = :category"
    parts = [_FOLDED, _WAITING] if all(wholes) else [_FOLDED, _WAITING, _gauges(group_by)]
    query = f"""{_TOGETHER}, used as (
      {" union all ".join(parts)}
    ), named as (
      select u.*, m.key as metric, m.feature, m.category, m.aggregation
      from used u join measured m on m.id = u.metric_id {only}
    ), summed as (
      select {_listed(keys)}sum(u.credits)::bigint as credits, sum(u.events)::bigint as events,
        least(coalesce(sum(u.units) filter (where u.aggregation = 1 or u.whole), 0), {2**62})::bigint as units,
        max(u.last_activity_at) as last_activity_at
      from named u group by {", ".join(keys)} limit cast(:limit as bigint)
    ) {shown(group_by)}"""  # noqa: S608 - our own text
    view = view_of(group_by) & ~View.FEATURE
    words = {"project_id": project_id, "view": view, "limit": limit, "wholes": wholes} | stretch_words(asked.stretches)
    return await in_columns(session, group_by, query, words | named_words(query, asked))


def _gauges(group_by: Sequence[GroupBy]) -> str:
    """What counts of each wallet and member in several slots together: the largest, or that of the last slot."""
    if GroupBy.API_KEY in group_by:
        return _GAUGES_BY_KEY
    own = "".join(f", {KEYS[key]}" for key in group_by if key not in _OF_METRIC)
    return f"""select max(u.at), u.metric_id, u.member, 0, 0,
      case u.aggregation when 2 then max(u.units) else (max(u.latest))[2] end, 0, '-infinity', true
    from (select s.*, case s.aggregation when 3 then array[extract(epoch from s.at)::bigint, s.units] end as latest
      from ({_GAUGES}) s) u
    group by u.metric_id, u.aggregation, u.wallet_id, u.member{own}"""  # noqa: S608 - our own text
