"""What the database holds after a kill, set against what the clients were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from db.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.crash.acts import Act

_ROWS: Final = """
    select w.uuid, t.sequence, t.idempotency_key as key, t.balance_before, t.balance_after, t.source_id
    from credit_transaction t join wallet w on w.id = t.wallet_id order by t.wallet_id, t.sequence"""
_WALLETS: Final = "select uuid, available_credits + reserved_credits as credits from wallet"

Row = asyncpg.Record


@dataclass
class Findings:
    """What is wrong, in words; nothing when the promise holds."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.lost or self.doubled or self.broken)

    def add(self, other: Findings) -> None:
        """Take over what another check found."""
        self.lost += other.lost
        self.doubled += other.doubled
        self.broken += other.broken


async def audit(database_url: str, acts: Sequence[Act]) -> Findings:
    """Every answered act is there once as it was answered, and nothing else moved; call it while nothing is sent."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(_ROWS)
        wallets = {_wallet(row): row["credits"] for row in await connection.fetch(_WALLETS)}
    finally:
        await connection.close()
    report = await reconcile(database_url)
    places = {(_wallet(row), row["sequence"]): row for row in rows}
    return Findings(
        lost=list(_lost(acts, rows, places)),
        doubled=[*_doubled(acts, rows), *_moved_otherwise(acts, wallets)],
        broken=[*_gaps(rows), *(check["promise"] for check in report["checks"] if check["violations"])],
    )


def _lost(acts: Sequence[Act], rows: Sequence[Row], places: Mapping[tuple[str, int], Row]) -> Iterator[str]:
    """Acts without a row, and acts whose row or whose wallet after it is not what the client was told."""
    by_key = {row["key"]: row for row in rows}
    for act in acts:
        row = by_key.get(act.key)
        assert act.answer
        if row is None:
            yield f"{act.kind} {act.key} has no row"
        elif not _as_told(act, row):
            yield f"{act.kind} {act.key} was answered {act.answer}, stored {dict(row)}"
        shown = act.answer["wallet"]
        state = places.get((act.wallet, shown["sequence"]))
        if state is None or state["balance_after"] != shown["availableCredits"]:
            yield f"{act.kind} {act.key} showed the wallet as {shown}, stored {state and dict(state)}"


def _as_told(act: Act, row: Row) -> bool:
    told: Mapping[str, Any] = act.answer or {}
    if _wallet(row) != act.wallet:
        return False
    if "hold" in told:
        return row["source_id"] is not None and UUID(row["source_id"]).hex == told["hold"]["id"].partition("_")[2]
    stored = (row["sequence"], row["balance_before"], row["balance_after"])
    return stored == tuple(told["transaction"][name] for name in ("sequence", "balanceBefore", "balanceAfter"))


def _doubled(acts: Sequence[Act], rows: Sequence[Row]) -> Iterator[str]:
    rows_of = Counter(row["key"] for row in rows)
    yield from (f"{act.kind} {act.key} has {rows_of[act.key]} rows" for act in acts if rows_of[act.key] > 1)


def _moved_otherwise(acts: Sequence[Act], wallets: Mapping[str, int]) -> Iterator[str]:
    """Wallets that do not own exactly what their acts add up to."""
    expected: dict[str, int] = defaultdict(int)
    for act in acts:
        expected[act.wallet] += act.credits
    for wallet, credits in expected.items():
        if wallets.get(wallet) != credits:
            yield f"{wallet} owns {wallets.get(wallet)} credits where its acts add up to {credits}"


def _gaps(rows: Sequence[Row]) -> Iterator[str]:
    wallet, sequence, balance = None, 0, 0
    for row in rows:
        if row["uuid"] != wallet:
            wallet, sequence, balance = row["uuid"], 0, 0
        sequence += 1
        if (row["sequence"], row["balance_before"]) != (sequence, balance):
            yield f"{_wallet(row)} has a gap before {row['sequence']}"
        sequence, balance = row["sequence"], row["balance_after"]


def _wallet(row: Row) -> str:
    return f"wal_{row['uuid'].hex}"
