"""Usage by any keys over any time: folded slots and the rows above the cursor, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from domain.analytics import GroupBy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session

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

_SLOT: Final = """select s.wallet_id, s.slot as at, s.feature, s.member, s.api_key_id, s.category, s.events, s.units,
  s.credits, s.last_activity_at from chosen c join usage_slot s on s.wallet_id = c.id"""
_USED: Final = f"""with chosen as materialized (
  select w.id, w.sequence, coalesce(c.sequence, 0) as folded from wallet w
  left join usage_cursor c on c.wallet_id = w.id
  where w.project_id = :project_id and (cast(:every as boolean) or w.id = any(:wallet_ids))
), used as (
  {_SLOT} and s.minutes = 1440 and s.slot >= :days_from and s.slot < :days_to
  union all {_SLOT} and s.minutes = 15 and s.slot >= :start and s.slot < :days_from
  union all {_SLOT} and s.minutes = 15 and s.slot >= :days_to and s.slot < :end
  union all
  select t.wallet_id, t.created_at, coalesce(t.feature, 'HOLD_CAPTURE'), coalesce(t.member, ''),
    coalesce(t.api_key_id, 0), coalesce(t.category, 0), 1, coalesce(t.units, 0), t.amount, t.created_at
  from chosen c join credit_transaction t on t.wallet_id = c.id and t.sequence > c.folded
  where c.sequence > c.folded and t.to_account = 12 and t.created_at >= :start and t.created_at < :end
)"""  # noqa: S608 - our own text
_UNFOLDED: Final = text(
    "select w.id from wallet w left join usage_cursor c on c.wallet_id = w.id"
    " where w.sequence >= coalesce(c.sequence, 0) + :rows limit :limit"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start` to before `end`, and the whole UTC days inside that may be read as days."""

    start: datetime
    end: datetime
    days_from: datetime
    days_to: datetime
    zone: str


async def fold(session: Session, wallet_id: int, rows: int) -> int:
    """Fold a wallet's next rows into slots, at most so many; how many."""
    query = text("select ledger.fold_usage(:wallet_id, :rows)")
    return int((await session.execute(query, {"wallet_id": wallet_id, "rows": rows})).scalar_one())


async def unfolded(session: Session, rows: int, limit: int) -> list[int]:
    """Wallets with at least so many rows that are not folded."""
    return [row.id for row in await session.execute(_UNFOLDED, {"rows": rows, "limit": limit})]


async def used(
    session: Session, project_id: int, wallet_ids: Sequence[int] | None, group_by: Sequence[GroupBy], span: Span
) -> Sequence[Any]:
    """Usage by keys: (keys, credits, events, units, last_activity_at), most credits first; None means every wallet."""
    keys = "".join(f"{KEYS[key]} as k{number}, " for number, key in enumerate(group_by))
    names = ", ".join(NAMES[key].format(f"k{number}") for number, key in enumerate(group_by))
    by = f"group by {', '.join(f'k{number}' for number in range(len(group_by)))}" if group_by else "having count(*) > 0"
    query = (
        f"{_USED}, summed as (select {keys}sum(u.credits)::bigint as credits, sum(u.events)::bigint as events,"  # noqa: S608 - our own text
        f" sum(u.units)::bigint as units, max(u.last_activity_at) as last_activity_at from used u {by})"
        f" select array[{names}]::text[] as keys, credits, events, units, last_activity_at from summed"
        " order by 2 desc, 1"
    )
    words = {
        "project_id": project_id,
        "every": wallet_ids is None,
        "wallet_ids": list(wallet_ids or ()),
        "start": span.start,
        "end": span.end,
        "days_from": span.days_from,
        "days_to": span.days_to,
    }
    if ":zone" in query:
        words["zone"] = span.zone
    return (await session.execute(text(query), words)).all()
