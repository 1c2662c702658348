"""The money books: reading them, and recognising revenue as credits are used. The database itself writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db import money as queries
from db import purchases as purchase_queries
from domain.books import MoneyBalance, money_balances
from domain.permissions import Actor, Permission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.models.money import MoneyEntry
    from domain.pages import Page
    from services.coffer import Coffer

SWEEP_WALLETS: Final = 200
ROUND_TIME: Final = timedelta(seconds=60)
"""How long one round goes on; wallets that are left wait for the next."""


async def list_accounts(coffer: Coffer, actor: Actor) -> list[MoneyBalance]:
    """The balance of every money account of the project; those of one currency add up to 0."""
    actor.require(Permission.READ_BOOKS)
    async with coffer.database.reading() as session:
        return money_balances(await queries.flows(session, actor.project_id))


async def list_entries(coffer: Coffer, actor: Actor, purchase: UUID | None, page: Page) -> Sequence[MoneyEntry]:
    """Entries of the project or of one purchase, newest first; a purchase that it has not has none."""
    actor.require(Permission.READ_BOOKS)
    async with coffer.database.reading() as session:
        if purchase is None:
            return await queries.newest(session, actor.project_id, None, page)
        found = await purchase_queries.find(session, actor.project_id, purchase)
        return [] if found is None else await queries.newest(session, actor.project_id, found.id, page)


async def recognise_revenue(coffer: Coffer) -> None:
    """Recognise the revenue of credits that were used since the last round, wallet by wallet."""
    started = coffer.clock()
    while True:
        async with coffer.database.reading() as session:
            waiting = await queries.unrecognised(session, started, SWEEP_WALLETS)
        for wallet_id in waiting:
            if coffer.clock() > started + ROUND_TIME:
                return
            async with coffer.database.transaction() as session:
                await queries.recognise(session, wallet_id)
        if len(waiting) < SWEEP_WALLETS:
            return
