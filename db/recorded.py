"""Recorded usage by any keys over any time, read from the sums that its events wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from db.usage import KEYS, NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from db.usage import Span
    from domain.analytics import GroupBy

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
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, group_by: Sequence[GroupBy], span: Span
) -> Sequence[Any]:
    """Recorded usage by keys, as db.usage.used gives it: every wallet's and member's own figure, added up."""
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
    names = ", ".join(NAMES[key].format(f"k{number}") for number, key in enumerate(group_by))
    by = ", ".join(f"k{number}" for number in range(len(group_by)))
    query = f"""{_SLOTS}, series as (
      select {keys}u.aggregation, sum(u.credits) as credits, sum(u.events) as events, sum(u.units) as units,
        max(u.most) as most, max(u.latest) as latest, max(u.last_activity_at) as last_activity_at
      from used u group by {by}, u.aggregation, u.wallet_id, u.metric, u.member
    ), summed as (
      select {by}, sum(credits)::bigint as credits, sum(events)::bigint as events,
        least(sum(case aggregation when 1 then units when 2 then most else latest[3] end), {2**62})::bigint as units,
        max(last_activity_at) as last_activity_at
      from series group by {by}
    )
    select array[{names}]::text[] as keys, credits, events, units, last_activity_at from summed order by 2 desc, 1"""  # noqa: S608 - our own text
    slots = [
        (1, 0, span.start, span.days_from),
        (2, 0, span.days_from, span.days_to),
        (1, 0, span.days_to, span.end),
    ]
    words: dict[str, Any] = dict(
        zip(("grains", "offsets", "starts", "stops"), map(list, zip(*slots, strict=True)), strict=True)
    )
    words |= {"project_id": project_id, "every": wallet_ids is None, "wallet_ids": list(wallet_ids or ())}
    if ":zone" in query:
        words["zone"] = span.zone
    return (await session.execute(text(query), words)).all()
