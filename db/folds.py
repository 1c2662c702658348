"""Folding the ledger's rows and recorded usage, and making the days of other clocks; the engine does both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import TextClause

    from db.database import Session

MOST_CLOCKS: Final = 12
"""Clocks of a project besides those of every project: those of six zones whose clock is set twice a year."""


class Backlog(NamedTuple):
    """What waits to be folded: the projects with enough of it, and the engine's fold of a project."""

    unfolded: TextClause
    fold: TextClause


LEDGER: Final = Backlog(
    text(
        "select w.project_id from wallet w left join usage_cursor c on c.wallet_id = w.id"
        " where w.sequence > coalesce(c.sequence, 0)"
        " group by 1 having sum(w.sequence - coalesce(c.sequence, 0)) >= :rows order by 1"
    ),
    text("select ledger.fold_usage(:project_id, :rows)"),
)
"""Rows of the ledger, which a fold takes about so many of."""

RECORDED: Final = Backlog(
    text("select project_id from metric_change group by 1 having count(*) >= :rows order by 1"),
    text("select ledger.fold_recorded(:project_id, :rows)"),
)
"""Changes of projects' sums of recorded usage, which a fold takes at most so many of."""


async def unfolded(session: Session, backlog: Backlog, rows: int) -> list[int]:
    """Projects where at least so many rows wait."""
    return list(await session.scalars(backlog.unfolded, {"rows": rows}))


async def fold(session: Session, backlog: Backlog, project_id: int, rows: int) -> int:
    """Fold the next rows of a project, the oldest first; how many it were."""
    return int((await session.execute(backlog.fold, {"project_id": project_id, "rows": rows})).scalar_one())


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
