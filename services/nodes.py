"""Objects of any kind by their ids, for clients that refetch what they hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from db import events
from db import nodes as queries
from db.proof import settle_lots
from domain.holds import HoldKind
from domain.permissions import Actor, Permission
from services.caps import states
from services.wallets import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from db.database import Session
    from services.coffer import Coffer

Finder: TypeAlias = "Callable[[Session, int, Sequence[Any]], Awaitable[dict[Any, Any]]]"


async def _holds(kind: HoldKind, session: Session, project_id: int, uuids: Sequence[Any]) -> dict[Any, Any]:
    return await queries.holds(session, project_id, kind, uuids)


async def _caps(session: Session, project_id: int, uuids: Sequence[Any]) -> dict[Any, Any]:
    return {state.uuid: state for state in await states(session, await queries.caps(session, project_id, uuids))}


async def _lots(session: Session, project_id: int, ids: Sequence[Any]) -> dict[Any, Any]:
    """Lots with what is left of each now."""
    found = await queries.lots(session, project_id, ids)
    for wallet_id in sorted({lot.wallet_id for lot in found.values()}):
        await settle_lots(session, wallet_id)
    await session.commit()
    session.expire_all()
    return await queries.lots(session, project_id, ids)


KINDS: Final[dict[str, tuple[Permission, Finder]]] = {
    "wal": (Permission.READ, queries.wallets),
    "txn": (Permission.READ, queries.transactions),
    "pur": (Permission.READ, queries.purchases),
    "sub": (Permission.READ, queries.subscriptions),
    "ref": (Permission.READ, queries.refunds),
    "dis": (Permission.READ, queries.disputes),
    "hold": (Permission.READ, partial(_holds, HoldKind.SPEND)),
    "pay": (Permission.READ, partial(_holds, HoldKind.PAYOUT)),
    "ben": (Permission.READ, queries.beneficiaries),
    "ptr": (Permission.READ, queries.payout_transfers),
    "ven": (Permission.READ, queries.vendors),
    "spl": (Permission.READ, queries.purchase_splits),
    "inv": (Permission.READ, queries.invoices),
    "gift": (Permission.READ, queries.gifts),
    "key": (Permission.MANAGE_KEYS, queries.keys),
    "cap": (Permission.READ, _caps),
    "lot": (Permission.READ, _lots),
    "job": (Permission.OPERATE, queries.jobs),
    "evt": (Permission.OPERATE, events.with_ids),
}
"""What an id's first word stands for: who may see such objects, and how many of them are found at once."""


async def find_nodes(coffer: Coffer, actor: Actor, kind: str, keys: Sequence[Any]) -> dict[Any, Any]:
    """The project's objects of one kind by their keys, in one query; what it has not is absent. AccessDenied."""
    permission, find = KINDS[kind]
    actor.require(permission)
    async with coffer.database.reading() as session:
        found = await find(session, actor.project_id, keys)
    if kind == "wal":
        return {uuid: await settled(coffer, wallet) for uuid, wallet in found.items()}
    return found
