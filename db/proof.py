"""Queries of what follows from the ledger's rows: lots, allocations, balances at a time, sums by account, seals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from db.models.lots import Lot
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session
    from domain.pages import Page

_ALLOCATIONS: Final = text(
    "select x.credits, l.id as lot_id, l.source, l.priority, l.expires_at, l.source_id, l.sequence as lot_sequence"
    " from ledger.allocations_of(:wallet_id, :sequence) x join lot l on l.id = x.lot_id order by x.id",
)
_SUMMARY: Final = text(
    "select type, count(*) as movements, sum(balance_after - balance_before)::bigint as credits"
    " from credit_transaction where wallet_id = :wallet_id and sequence <= :sequence group by type order by type",
)
_LOTS: Final = text(
    "select l.*, a.remaining as remaining_then from ledger.lots_at(:wallet_id, :sequence) a"
    " join lot l on l.id = a.lot_id"
    " order by l.priority, l.expires_at nulls last, l.sequence limit :limit",
)
_FLOWS: Final = text(
    "select from_account, to_account, sum(credits)::bigint as credits, sum(movements)::bigint as movements from ("
    " select f.from_account, f.to_account, f.credits, f.movements from wallet w"
    " join account_flow f on f.wallet_id = w.id"
    " where w.project_id = :project_id"
    " union all select t.from_account, t.to_account, t.amount, 1 from wallet w"
    " left join settlement s on s.wallet_id = w.id join credit_transaction t on t.wallet_id = w.id"
    " and t.sequence > coalesce(s.sequence, 0) where w.project_id = :project_id"
    " and w.sequence > coalesce(s.sequence, 0)) x group by 1, 2 order by 1, 2",
)
_BUCKETS: Final = text(
    "select coalesce(sum(available_credits), 0)::bigint as available,"
    " coalesce(sum(reserved_credits), 0)::bigint as reserved,"
    " coalesce(sum(locked_credits), 0)::bigint as locked, coalesce(sum(pending_credits), 0)::bigint as pending,"
    " coalesce(sum(debt_credits), 0)::bigint as debt from wallet where project_id = :project_id",
)
_UNSETTLED: Final = text(
    "select w.id from wallet w left join settlement s on s.wallet_id = w.id"
    " where w.sequence >= coalesce(s.sequence, 0) + :rows limit :limit",
)
_UNSEALED: Final = text(
    "select w.id from wallet w where w.sequence >"
    " coalesce((select max(to_sequence) from seal s where s.wallet_id = w.id), 0) limit :limit",
)


async def settle_lots(session: Session, wallet_id: int) -> None:
    """Work out lots and account flows up to the wallet's newest row."""
    await session.execute(text("select ledger.settle(:wallet_id)"), {"wallet_id": wallet_id})


async def seal(session: Session, wallet_id: int) -> int:
    """Seal the wallet's newest rows; how many."""
    return int((await session.execute(text("select ledger.seal(:wallet_id)"), {"wallet_id": wallet_id})).scalar_one())


async def unsettled(session: Session, rows: int, limit: int) -> list[int]:
    """Wallets with at least so many rows that are not settled."""
    return [row.id for row in await session.execute(_UNSETTLED, {"rows": rows, "limit": limit})]


async def unsealed(session: Session, limit: int) -> list[int]:
    """Wallets with rows that are not sealed."""
    return [row.id for row in await session.execute(_UNSEALED, {"limit": limit})]


async def sequence_at(session: Session, wallet_id: int, at: datetime) -> int:
    """The wallet's newest row at an instant (0: none yet)."""
    query = text("select ledger.sequence_at(:wallet_id, :at)")
    return int((await session.execute(query, {"wallet_id": wallet_id, "at": at})).scalar_one())


async def allocations(session: Session, wallet_id: int, sequence: int) -> Sequence[Any]:
    """The lots that paid for a settled row (negative: that got credits back), in burn order."""
    return (await session.execute(_ALLOCATIONS, {"wallet_id": wallet_id, "sequence": sequence})).all()


async def summary(session: Session, wallet_id: int, sequence: int) -> Sequence[Any]:
    """Movements and credits of each type up to a row."""
    return (await session.execute(_SUMMARY, {"wallet_id": wallet_id, "sequence": sequence})).all()


async def lots_at(session: Session, wallet_id: int, sequence: int, limit: int) -> Sequence[Any]:
    """The lots after a settled row, in burn order, and what each had left then."""
    return (await session.execute(_LOTS, {"wallet_id": wallet_id, "sequence": sequence, "limit": limit})).all()


async def lots(session: Session, wallet_id: int, page: Page) -> Sequence[Lot]:
    """A wallet's lots, newest first."""
    query = select(Lot).where(Lot.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, Lot.id, page))).all()


async def flows(session: Session, project_id: int) -> Sequence[Any]:
    """All credits that a project's rows moved, by the accounts they came from and went to."""
    return (await session.execute(_FLOWS, {"project_id": project_id})).all()


async def buckets(session: Session, project_id: int) -> Any:  # noqa: ANN401 - a row
    """The sums of a project's wallets."""
    return (await session.execute(_BUCKETS, {"project_id": project_id})).one()
