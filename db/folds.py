"""Folding the ledger's rows into usage, and making the days of other clocks; the engine does both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from db.database import Session

MOST_CLOCKS: Final = 12
"""Clocks of a project besides those of every project: those of six zones whose clock is set twice a year."""

_UNFOLDED: Final = text(
    "select w.project_id from wallet w left join usage_cursor c on c.wallet_id = w.id"
    " where w.sequence > coalesce(c.sequence, 0)"
    " group by 1 having sum(w.sequence - coalesce(c.sequence, 0)) >= :rows order by 1"
)


async def fold(session: Session, project_id: int, rows: int) -> int:
    """Fold about so many of the next rows of a project's wallets into slots; how many it were."""
    query = text("select ledger.fold_usage(:project_id, :rows)")
    return int((await session.execute(query, {"project_id": project_id, "rows": rows})).scalar_one())


async def unfolded(session: Session, rows: int) -> list[int]:
    """Projects with at least so many rows that are not folded."""
    return list(await session.scalars(_UNFOLDED, {"rows": rows}))


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
