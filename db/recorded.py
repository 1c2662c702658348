"""Recorded usage by any keys over any time, read from the sums that its events wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from db.usage import KEYS, NAMES, named_words, order_of, stretch_words, wallet_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.usage import Asked

_SLOTS: Final = """with chosen as materialized (
  select w.id from wallet w where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
), used as (
  select s.wallet_id, s.slot as at, m.key as metric, coalesce(m.feature, '') as feature, s.member, s.api_key_id,
    m.category, m.aggregation, s.events, s.units, s.most, s.latest, s.credits, s.last_activity_at
  from unnest(cast(:grains as smallint[]), cast(:offsets as smallint[]), cast(:starts as timestamptz[]),
    cast(:stops as timestamptz[])) r (grain, utc_offset, start, stop)
  cross join chosen c join metric_slot s on s.wallet_id = c.id and s.grain = r.grain and s.utc_offset = r.utc_offset
    and s.slot >= r.start and s.slot < r.stop
  join metric m on m.id = s.metric_id
)"""


async def recorded(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int | None
) -> Sequence[Any]:
    """Recorded usage by keys, as db.usage.used gives it: every wallet's and member's own figure, added up."""
    group_by = asked.group_by
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
    names = "".join(f"{NAMES[key].format(f'k{number}')} as n{number}, " for number, key in enumerate(group_by))
    by = ", ".join(f"k{number}" for number in range(len(group_by)))
    only = "" if asked.category is None else "where u.category = :category"
    query = f"""{_SLOTS}, series as (
      select {keys}u.aggregation, sum(u.credits) as credits, sum(u.events) as events, sum(u.units) as units,
        max(u.most) as most, max(u.latest) as latest, max(u.last_activity_at) as last_activity_at
      from used u {only} group by {by}, u.aggregation, u.wallet_id, u.metric, u.member
    ), summed as (
      select {by}, sum(credits)::bigint as credits, sum(events)::bigint as events,
        least(sum(case aggregation when 1 then units when 2 then most else latest[3] end), {2**62})::bigint as units,
        max(last_activity_at) as last_activity_at
      from series group by {by} limit cast(:limit as bigint)
    )
    select {names}credits, events, units, last_activity_at from summed order by {order_of(group_by)}"""  # noqa: S608 - our own text
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches) | {"limit": limit}
    return (await session.execute(text(query), words | named_words(query, asked))).all()
