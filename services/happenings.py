"""Telling other parts of Coffer what happened to a purchase: a job for each, in the transaction that made it happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db import invoices, notifications
from domain.happenings import Happening
from domain.jobs import Queue
from services.jobs import enqueue_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.purchases import Purchase
    from services.coffer import Coffer

_MAIL: Final = (Queue.NOTIFICATIONS_BILLING, "notification.purchase")
FOLLOWERS: Final[dict[Happening, tuple[tuple[Queue, str], ...]]] = dict.fromkeys(Happening, ()) | {
    Happening.PURCHASE_SUCCEEDED: ((Queue.INVOICE_GENERATE, "invoice.issue"), _MAIL),
    Happening.PURCHASE_FAILED: (_MAIL,),
    Happening.REFUND_SUCCEEDED: ((Queue.INVOICE_GENERATE, "invoice.credit"), _MAIL),
}
"""The queue and kind of the jobs that each happening asks for.

Their payload has `happening`, `purchase` (hex), `project_id`, and `refund` or `dispute` (hex) where it is about one.
"""

_OF_SELLERS: Final = frozenset({"invoice.issue", "invoice.credit"})


async def happened(
    coffer: Coffer,
    session: Session,
    happening: Happening,
    purchase: Purchase,
    about: Mapping[str, UUID] | None = None,
) -> None:
    """Ask for what follows; `about` names the refund or the dispute."""
    await happened_to_all(coffer, session, happening, [purchase], about)


async def happened_to_all(
    coffer: Coffer,
    session: Session,
    happening: Happening,
    purchases: Sequence[Purchase],
    about: Mapping[str, UUID] | None = None,
) -> None:
    """Ask for what follows from the same happening to many purchases, each if anybody wants it."""
    followers = FOLLOWERS[happening] if purchases else ()
    wanted = [(await _wanting(session, kind, purchases), queue, kind) for queue, kind in followers]
    names = {name: uuid.hex for name, uuid in (about or {}).items()}
    works = [
        (queue, kind, {"happening": happening, "purchase": one.uuid.hex, "project_id": one.project_id} | names)
        for by, queue, kind in wanted
        for one in by
    ]
    await enqueue_all(coffer, session, works)


async def _wanting(session: Session, kind: str, purchases: Sequence[Purchase]) -> Sequence[Purchase]:
    """Those purchases whose follower has anything to do: most wallets have no reader, and many projects no seller."""
    if kind in _OF_SELLERS:
        sellers = await invoices.sellers_among(session, {one.project_id for one in purchases})
        return [one for one in purchases if one.project_id in sellers]
    if kind == _MAIL[1]:
        readers = await notifications.readers_among(session, {one.wallet_id for one in purchases})
        return [one for one in purchases if one.wallet_id in readers]
    return purchases
