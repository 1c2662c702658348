"""Taking credits out of a wallet because their money goes back, and giving them back when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import moves
from db import refunds as queries
from db import wallets as wallet_queries
from services.announcing import announce

if TYPE_CHECKING:
    from db.database import Session
    from db.models.purchases import Purchase
    from services.coffer import Coffer


async def take(coffer: Coffer, session: Session, row: Purchase, credits: int, key: str) -> int:
    """Take credits of a purchase, its own lots first; how many were spent already and became a debt."""
    if not credits:
        return 0
    words = {"wallet_id": row.wallet_id, "amount": credits, "key": key, "source_id": source_of(row)}
    posted = await moves.claw_back(session, words)
    await announce(coffer, session, row.wallet_id, posted.posting.posted_sequence - 1)
    return int(posted.posting.required_credits or 0)


async def take_what_is_left(coffer: Coffer, session: Session, row: Purchase, credits: int, key: str) -> int:
    """Take at most so many credits, of the purchase's own lots alone; how many those were."""
    left = min(await queries.credits_left(session, row.wallet_id, source_of(row)), credits)
    await take(coffer, session, row, left, key)
    return left


async def give_back(
    coffer: Coffer, session: Session, row: Purchase, credits: int, key: str, *, shortfall: int = 0
) -> None:
    """Return taken credits; what is left of the debt that `shortfall` of them became is cancelled first."""
    if not credits:
        return
    before = (await wallet_queries.read(session, row.wallet_id)).sequence
    words = {"wallet_id": row.wallet_id, "amount": credits, "shortfall": shortfall, "key": key}
    await moves.undo_claw_back(session, words | {"source_id": source_of(row)})
    await announce(coffer, session, row.wallet_id, before)


def source_of(row: Purchase) -> str:
    """What the ledger's rows and lots of a purchase name as their source."""
    return f"pur_{row.uuid.hex}"
