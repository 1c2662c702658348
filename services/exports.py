"""Usage and transactions as long lists, read while they are consumed."""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from db import copies
from db import wallets as wallet_queries
from db.copies import Run
from domain.analytics import check_day, check_order
from domain.permissions import Actor, Permission
from domain.usage import checked_zone, midnight
from services.usage import days_of
from services.usage_figures import every_figure, scope_of, wallet_ids_of, want_clocks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from domain.usage import UsageRow
    from services.coffer import Coffer
    from services.usage import UsageQuestion

TRANSACTION_COLUMNS: Final = copies.COLUMNS
EXPORT_ROWS: Final = 2_000
"""Transactions that are read at once; 8 MB if all of them have the most metadata."""

EXPORT_WALLETS: Final = 1_000
"""Wallets whose rows are looked for at once."""


class TransactionQuestion(NamedTuple):
    """Which transactions: of which wallets (None: the whole project), and of which days of a zone, inclusive."""

    wallets: Sequence[UUID | None] | None = None
    from_day: date | None = None
    to_day: date | None = None
    time_zone: str | None = None


class Chunk(NamedTuple):
    """So many lines of a file, as CSV (RFC 4180)."""

    rows: int
    text: str | bytes


async def export_usage(coffer: Coffer, actor: Actor, asked: UsageQuestion) -> AsyncGenerator[UsageRow, None]:
    """Usage by keys, most credits first. NotFound, InvalidInput, Busy."""
    actor.require(Permission.READ)
    days = days_of(coffer, asked)
    async with coffer.database.reading() as session:
        scope = await scope_of(session, actor, asked.wallets)
    await want_clocks(coffer, scope, days)

    async def rows() -> AsyncGenerator[UsageRow, None]:
        async with coffer.database.snapshot() as session:
            scope = await scope_of(session, actor, asked.wallets)
            async with aclosing(every_figure(session, scope, days)) as found:
                async for row in found:
                    yield row

    return rows()


async def export_transactions(coffer: Coffer, actor: Actor, asked: TransactionQuestion) -> AsyncGenerator[Chunk, None]:
    """Every row of the wallets and days, wallet by wallet, oldest first, by TRANSACTION_COLUMNS.

    NotFound, InvalidInput.
    """
    actor.require(Permission.READ)
    times = _times(asked)
    async with coffer.database.reading() as session:
        wallet_ids = await wallet_ids_of(session, actor, asked.wallets)

    async def pages() -> AsyncGenerator[Chunk, None]:
        async for block in _blocks(coffer, actor.project_id, wallet_ids):
            async with coffer.database.reading() as session:
                runs = await copies.runs(session, block, *times)
            for page in pages_of(runs, EXPORT_ROWS):
                async with coffer.database.reading() as session:
                    text = await copies.copied(session, page)
                yield Chunk(_count(page), text)

    return pages()


def pages_of(runs: Iterable[Run], rows: int) -> list[list[Run]]:
    """The runs in pages of so many rows, the last one of fewer; rows of a wallet have no gaps."""
    pages: list[list[Run]] = []
    room = 0
    for wallet_id, first, last in runs:
        start = first
        while start <= last:
            if room == 0:
                pages.append([])
                room = rows
            stop = min(last, start + room - 1)
            pages[-1].append(Run(wallet_id, start, stop))
            room -= stop - start + 1
            start = stop + 1
    return pages


def _count(page: Sequence[Run]) -> int:
    return sum(run.last - run.first + 1 for run in page)


def _times(asked: TransactionQuestion) -> tuple[datetime | None, datetime | None]:
    """From when to before when."""
    zone = checked_zone(asked.time_zone)
    check_day(asked.from_day, "from")
    check_day(asked.to_day, "to")
    if asked.from_day and asked.to_day:
        check_order(asked.from_day, asked.to_day)
    stop = None if asked.to_day is None else midnight(asked.to_day + timedelta(days=1), zone)
    return None if asked.from_day is None else midnight(asked.from_day, zone), stop


async def _blocks(
    coffer: Coffer, project_id: int, wallet_ids: Sequence[int] | None
) -> AsyncGenerator[Sequence[int], None]:
    """The wallets, EXPORT_WALLETS at once."""
    if wallet_ids is not None:
        yield wallet_ids
        return
    after = 0
    while True:
        async with coffer.database.reading() as session:
            block = await wallet_queries.ids_after(session, project_id, after, EXPORT_WALLETS)
        if not block:
            return
        yield block
        after = block[-1]
