"""Usage and transactions as long lists, read while they are consumed."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from db import transactions as transaction_queries
from db import wallets as wallet_queries
from domain.permissions import Actor, Permission
from services.usage import days_of
from services.usage_figures import every_figure, scope_of, want_clocks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.usage import UsageRow
    from services.coffer import Coffer
    from services.usage import UsageQuestion
    from services.usage_figures import Scope

EXPORT_ROWS: Final = 1_000
"""Transactions that are read at once, and wallets."""


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


async def export_transactions(
    coffer: Coffer, actor: Actor, wallets: Sequence[UUID | None] | None
) -> AsyncGenerator[Any, None]:
    """Every row of the wallets, or of the whole project, wallet by wallet, oldest first. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    until = coffer.clock()
    async with coffer.database.reading() as session:
        scope = await scope_of(session, actor, wallets)
    return _rows(coffer, scope, until)


async def _rows(coffer: Coffer, scope: Scope, until: datetime) -> AsyncGenerator[Any, None]:
    async for wallet_ids in _blocks(coffer, scope):
        place = (0, 0)
        while True:
            async with coffer.database.reading() as session:
                page = await transaction_queries.beyond(session, wallet_ids, place, until, EXPORT_ROWS)
            for row in page:
                yield row
            if len(page) < EXPORT_ROWS:
                break
            place = (page[-1].wallet_id, page[-1].sequence)


async def _blocks(coffer: Coffer, scope: Scope) -> AsyncGenerator[Sequence[int], None]:
    """The wallets, EXPORT_ROWS at once."""
    if scope.wallet_ids is not None:
        yield scope.wallet_ids
        return
    after = 0
    while True:
        async with coffer.database.reading() as session:
            wallet_ids = await wallet_queries.ids_after(session, scope.project_id, after, EXPORT_ROWS)
        if not wallet_ids:
            return
        yield wallet_ids
        after = wallet_ids[-1]
