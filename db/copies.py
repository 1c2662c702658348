"""The ledger's rows as CSV that PostgreSQL writes, for a fiftieth of the time that they take when we write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from domain.ledger import TransactionType
from domain.spreadsheets import FORMULA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session


class Run(NamedTuple):
    """Rows of a wallet, from one sequence to another, inclusive."""

    wallet_id: int
    first: int
    last: int


_TYPES: Final = " ".join(f"when {int(kind)} then '{kind.name}'" for kind in TransactionType)
_FORMULA: Final = ", ".join(str(ord(character)) for character in FORMULA)


def _words(column: str) -> str:
    """Callers' own words, which no spreadsheet may work out; ascii() is the number of the first character."""
    return f"case when ascii({column}) in ({_FORMULA}) then '''' || {column} else {column} end"


_CELLS: Final = {
    "wallet": "'wal_' || replace(w.uuid::text, '-', '')",
    "sequence": "t.sequence",
    "created_at": """to_char(t.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""",
    "type": f"case t.type {_TYPES} end",
    "credits": "t.balance_after - t.balance_before",
    "balance_before": "t.balance_before",
    "balance_after": "t.balance_after",
    "feature": _words("t.feature"),
    "units": "t.units",
    "member": _words("t.member"),
    "source_id": _words("t.source_id"),
    "idempotency_key": _words("t.idempotency_key"),
    "metadata": "t.metadata",
}
COLUMNS: Final = tuple(_CELLS)
_ROWS: Final = f"""select {", ".join(_CELLS.values())}
  from unnest(cast($1 as bigint[]), cast($2 as bigint[]), cast($3 as bigint[])) r (wallet_id, first, last)
  join wallet w on w.id = r.wallet_id
  cross join lateral (select * from credit_transaction t
    where t.wallet_id = r.wallet_id and t.sequence between r.first and r.last offset 0) t
  order by t.wallet_id, t.sequence"""  # noqa: S608 - our own text
_MOMENT: Final = "interval '1 microsecond'"
_RUNS: Final = text(f"""select * from (
    select w.id, case when cast(:start as timestamptz) is null then 1
        else ledger.sequence_at(w.id, cast(:start as timestamptz) - {_MOMENT}) + 1 end as first,
      case when cast(:stop as timestamptz) is null then w.sequence
        else ledger.sequence_at(w.id, cast(:stop as timestamptz) - {_MOMENT}) end as last
    from wallet w where w.id = any(:wallet_ids)) r
  where first <= last order by id""")  # noqa: S608 - our own text


async def runs(session: Session, wallet_ids: Sequence[int], start: datetime | None, stop: datetime | None) -> list[Run]:
    """What wallets have of rows from one time to before another, by wallet; None is the beginning, and now."""
    words = {"wallet_ids": list(wallet_ids), "start": start, "stop": stop}
    return [Run(*row) for row in await session.execute(_RUNS, words)]


async def copied(session: Session, wanted: Sequence[Run]) -> bytes:
    """These rows, by wallet and sequence, in COLUMNS, without a header."""
    found: list[bytes] = []

    async def keep(data: bytes) -> None:
        found.append(data)

    raw = await (await session.connection()).get_raw_connection()
    columns = [list(column) for column in zip(*wanted, strict=True)]
    await raw.driver_connection.copy_from_query(_ROWS, *columns, output=keep, format="csv")  # type: ignore[union-attr]
    return b"".join(found)
