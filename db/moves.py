"""Movements between wallets, lots with terms, clawbacks and freezing: the posting engine through a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from db.ledger import Posted, called, keyed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from db.database import Session

_GRANT: Final = text(
    "select * from ledger.grant(:wallet_id, cast(:type as smallint), cast(:source as smallint),"
    " cast(:from_account as smallint), :amount, :key, :key_hash, :source_id, :api_key_id, cast(:metadata as jsonb),"
    " cast(:lot_source as smallint), :priority, :effective_at, :expires_at)",
)
_TRANSFER: Final = text(
    "select * from ledger.transfer(:wallet_id, :to_wallet_id, :amount, :key, :key_hash, :api_key_id,"
    " cast(:metadata as jsonb))",
)
_GIVE: Final = text(
    "select * from ledger.give(:wallet_id, :gift, :to_wallet_id, :amount, :seconds, :message, :key, :key_hash,"
    " :api_key_id)",
)
_CLAIM: Final = text("select * from ledger.claim(:gift, :wallet_id)")
_TAKE_BACK: Final = text("select * from ledger.take_back(:gift, cast(:status as smallint))")
_CLAW_BACK: Final = text("select * from ledger.claw_back(:wallet_id, :amount, :key, :source_id)")
_UNDO: Final = text("select * from ledger.undo_claw_back(:wallet_id, :amount, :shortfall, :key, :source_id)")


async def grant(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Give credits as a lot: the columns of the movement, lot_source, priority, effective_at and expires_at."""
    return await keyed(session, _GRANT, parameters)


async def transfer(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Move credits: wallet_id, to_wallet_id, amount, key, api_key_id, metadata (JSON text)."""
    return await keyed(session, _TRANSFER, parameters)


async def give(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Make a gift: wallet_id, gift (its uuid), to_wallet_id, amount, seconds, message, key, api_key_id."""
    return await keyed(session, _GIVE, parameters)


async def claim(session: Session, gift: UUID, wallet_id: int) -> Posted:
    """Put a gift into a wallet."""
    return await called(session, _CLAIM, {"gift": gift, "wallet_id": wallet_id})


async def take_back(session: Session, gift: UUID, status: int) -> Posted:
    """Return a gift to its giver, as revoked or expired."""
    return await called(session, _TAKE_BACK, {"gift": gift, "status": status})


async def claw_back(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Take refunded credits: wallet_id, amount, key, source_id; the posting's required_credits became debt."""
    return await called(session, _CLAW_BACK, parameters)


async def undo_claw_back(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Return them: wallet_id, amount, shortfall, key, source_id."""
    return await called(session, _UNDO, parameters)


async def freeze(session: Session, wallet_id: int, reason: str | None) -> None:
    """Freeze a wallet for a reason, or (None) unfreeze it."""
    await session.execute(text("select ledger.freeze(:wallet_id, :reason)"), {"wallet_id": wallet_id, "reason": reason})


async def set_burn_limit(session: Session, wallet_id: int, limit: int | None) -> None:
    """Set the credits in 24 h above which the wallet burns rapidly (None: never)."""
    await session.execute(
        text("select ledger.set_burn_limit(:wallet_id, :limit)"), {"wallet_id": wallet_id, "limit": limit}
    )


async def set_capped(session: Session, wallet_id: int) -> None:
    """Note whether the wallet has caps."""
    await session.execute(text("select ledger.set_capped(:wallet_id)"), {"wallet_id": wallet_id})
