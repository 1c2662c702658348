"""Recorded usage by any keys over any time, read from the sums that its events wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.usage import KEYS, in_columns, named_words, shown, stretch_words, wallet_words
from domain.analytics import GroupBy

if TYPE_CHECKING:
    from collections.abc import Sequence

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


async def recorded(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, asked: Asked, limit: int | None
) -> Figures:
    """Recorded usage by keys, as db.usage.used gives it: every wallet's and member's own figure, added up."""
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
