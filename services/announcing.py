"""Telling the live feed what an act outside the lanes wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db import transactions as transaction_queries
from db import wallets as wallet_queries
from db.rows import row_posting
from services.feed import posting_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.ledger import Wallet
    from services.coffer import Coffer

ANNOUNCED_ROWS: Final = 500
"""Rows that one act tells the feed of; a reader takes what is missing from the ledger."""


async def announce(coffer: Coffer, session: Session, wallet_id: int, before: int) -> Wallet:
    """Publish, after the commit, every row of a wallet above a sequence; gives the wallet as it is now."""
    return (await announce_each(coffer, session, {wallet_id: before}))[wallet_id]


async def announce_each(coffer: Coffer, session: Session, before: Mapping[int, int]) -> dict[int, Wallet]:
    """Publish, after the commit, the rows of wallets above a sequence of each; gives the wallets as they are now."""
    if not before:
        return {}
    wallets = {wallet.id: wallet for wallet in await wallet_queries.with_ids(session, list(before))}
    rows = await transaction_queries.following_each(session, list(before.items()), ANNOUNCED_ROWS)
    messages = [
        message
        for (wallet_id, _), news in rows.items()
        for row in news
        for message in posting_messages(wallets[wallet_id], row, row_posting(row))
    ]
    session.after_commit(lambda: coffer.hub.publish_many(messages))
    return wallets
