"""Telling the live feed what an act outside the lanes wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db import transactions as transaction_queries
from db import wallets as wallet_queries
from db.rows import row_posting
from services.feed import posting_messages

if TYPE_CHECKING:
    from db.database import Session
    from db.models.ledger import Wallet
    from services.coffer import Coffer

ANNOUNCED_ROWS: Final = 500
"""Rows that one act tells the feed of; a reader takes what is missing from the ledger."""


async def announce(coffer: Coffer, session: Session, wallet_id: int, before: int) -> Wallet:
    """Publish, after the commit, every row of a wallet above a sequence; gives the wallet as it is now."""
    wallet = await wallet_queries.read(session, wallet_id)
    rows = await transaction_queries.following(session, wallet_id, before, ANNOUNCED_ROWS)
    messages = [message for row in rows for message in posting_messages(wallet, row, row_posting(row))]
    session.after_commit(lambda: coffer.hub.publish_many(messages))
    return wallet
