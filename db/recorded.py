"""Recorded usage by any keys over any time, read from the sums that its events wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.usage import KEYS, in_columns, named_words, shown, stretch_words, wallet_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.usage import Asked, Figures

_SLOTS: Final = """with chosen as materialized (
  select w.id, w.uuid from wallet w
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
), used as (
  select c.uuid as wallet, s.*, s.slot as at, m.key as metric, coalesce(m.feature, '') as feature,
    m.category, m.aggregation
  from unnest(cast(:grains as smallint[]), cast(:offsets as smallint[]), cast(:starts as timestamptz[]),
    cast(:stops as timestamptz[])) r (grain, utc_offset, start, stop)
  cross join chosen c cross join lateral (select * from metric_slot s where s.wallet_id = c.id and s.grain = r.grain
    and s.utc_offset = r.utc_offset and s.slot >= r.start and s.slot < r.stop offset 0) s
  join metric m on m.id = s.metric_id
)"""


async def recorded(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int | None
) -> Figures:
    """Recorded usage by keys, as db.usage.used gives it: every wallet's and member's own figure, added up."""
    group_by = asked.group_by
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
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
    ) {shown(group_by)}"""  # noqa: S608 - our own text
    words = wallet_words(project_id, wallet_ids) | stretch_words(asked.stretches) | {"limit": limit}
    return await in_columns(session, group_by, query, words | named_words(query, asked))
