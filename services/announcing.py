"""Telling the live feed what an act outside the lanes wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db import transactions as transaction_queries
from db import wallets as wallet_queries
from db.rows import row_posting
from live import topics
from services.feed import posting_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

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
    wallets, messages = await _read(session, before)
    session.after_commit(lambda: coffer.hub.publish_many(messages))
    return wallets


async def announce_heard(coffer: Coffer, before: Mapping[int, int], purchases: Sequence[UUID]) -> None:
    """After a commit, tell those who listen of the rows of wallets above a sequence of each, and of purchases."""
    changed = [topics.purchase(uuid) for uuid in purchases]
    heard = await coffer.hub.listened([*changed, *map(topics.wallet, before)])
    messages = [(topic, b"changed") for topic in changed if topic in heard]
    watched = {wallet_id: after for wallet_id, after in before.items() if topics.wallet(wallet_id) in heard}
    if watched:
        # Wallet and rows of one instant: a reader that gets the wallet at a sequence has all rows up to it.
        async with coffer.database.snapshot() as session:
            messages += (await _read(session, watched))[1]
    if messages:
        await coffer.hub.publish_many(messages)


async def _read(session: Session, before: Mapping[int, int]) -> tuple[dict[int, Wallet], list[tuple[str, bytes]]]:
    wallets = {wallet.id: wallet for wallet in await wallet_queries.with_ids(session, list(before))}
    rows = await transaction_queries.following_each(session, list(before.items()), ANNOUNCED_ROWS)
    messages = [
        message
        for (wallet_id, _), news in rows.items()
        for row in news
        for message in posting_messages(wallets[wallet_id], row, row_posting(row))
    ]
    return wallets, messages
