"""Queries of the ledger's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, cast, func, literal_column, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from db.models.ledger import CreditTransaction, Wallet
from domain.limits import MAX_PAGE_ITEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from db.database import Session
    from domain.ledger import TransactionType
    from domain.pages import Page

_T: Final = CreditTransaction
COLUMNS: Final = (
    *(column.label("details" if column.name == "metadata" else column.name) for column in _T.__table__.c),
    (_T.balance_after - _T.balance_before).label("credits"),
)
MOST_ROWS: Final = MAX_PAGE_ITEMS + 1
"""A page, and the row that tells of another one. It stands in the statement as a figure: a limit that PostgreSQL does
not know makes the plan that it could keep look dear beside a long ledger, so it would plan every page anew (0.1 ms)."""


async def newest(
    session: Session,
    wallet_ids: Sequence[int],
    types: Sequence[TransactionType] | None,
    page: Page,
) -> dict[int, list[Any]]:
    """Each wallet's newest rows of a page by sequence, MOST_ROWS at most: one query for all the wallets."""
    rows = select(*COLUMNS).where(_T.wallet_id == Wallet.id).order_by(_T.sequence.desc())
    if page.after is not None:
        rows = rows.where(_T.sequence < page.after)
    if types:
        rows = rows.where(_T.type.in_(types))
    most = rows.limit(literal_column(str(MOST_ROWS))).correlate(Wallet).lateral()
    lateral = select(most).order_by(most.c.sequence.desc()).limit(page.first + 1).lateral()
    query = select(lateral, Wallet.uuid.label("wallet_uuid")).select_from(Wallet).join(lateral, true())
    result: dict[int, list[Any]] = {wallet_id: [] for wallet_id in wallet_ids}
    for row in await session.execute(query.where(Wallet.id.in_(wallet_ids)).order_by(lateral.c.sequence.desc())):
        result[row.wallet_id].append(row)
    return result


async def following(session: Session, wallet_id: int, after: int, limit: int) -> Sequence[Any]:
    """A wallet's rows above a sequence, oldest first."""
    query = _of_wallet(wallet_id).where(_T.sequence > after).order_by(_T.sequence).limit(limit)
    rows: Sequence[Any] = (await session.execute(query)).all()
    return rows


async def following_each(
    session: Session, asked: Sequence[tuple[int, int]], limit: int
) -> dict[tuple[int, int], list[Any]]:
    """The rows above each (wallet, sequence), oldest first: what live streams have missed, in one query."""
    pairs = [cast(list(column), ARRAY(BigInteger)) for column in zip(*asked, strict=True)]
    after = func.unnest(*pairs).table_valued("wallet_id", "seen", name="asked").render_derived()
    above = select(*COLUMNS).where(_T.wallet_id == after.c.wallet_id, _T.sequence > after.c.seen)
    rows = above.order_by(_T.sequence).limit(limit).lateral()
    query = select(rows, after.c.seen, Wallet.uuid.label("wallet_uuid")).select_from(after).join(rows, true())
    query = query.join(Wallet, Wallet.id == after.c.wallet_id).order_by(rows.c.sequence)
    result: dict[tuple[int, int], list[Any]] = {key: [] for key in asked}
    for row in await session.execute(query):
        result[row.wallet_id, row.seen].append(row)
    return result


async def at(session: Session, wallet_id: int, sequence: int) -> Any:  # noqa: ANN401 - a row
    """One row of a wallet."""
    return (await session.execute(_of_wallet(wallet_id).where(_T.sequence == sequence))).one()


async def at_each(session: Session, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """The rows at each (wallet, sequence), in one query."""
    query = select(*COLUMNS, Wallet.uuid.label("wallet_uuid")).join(Wallet, Wallet.id == _T.wallet_id)
    query = query.where(tuple_(_T.wallet_id, _T.sequence).in_(places))
    return {(row.wallet_id, row.sequence): row for row in await session.execute(query)}


def _of_wallet(wallet_id: int) -> Select[Any]:
    query = select(*COLUMNS, Wallet.uuid.label("wallet_uuid")).join(Wallet, Wallet.id == _T.wallet_id)
    return query.where(_T.wallet_id == wallet_id)
