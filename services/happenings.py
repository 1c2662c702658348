"""Telling other parts of Coffer what happened to a purchase: a job for each, in the transaction that made it happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.happenings import Happening
from domain.jobs import Queue
from services.jobs import enqueue

if TYPE_CHECKING:
    from collections.abc import Mapping
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


async def happened(
    coffer: Coffer,
    session: Session,
    happening: Happening,
    purchase: Purchase,
    about: Mapping[str, UUID] | None = None,
) -> None:
    """Ask for what follows; `about` names the refund or the dispute."""
    payload: dict[str, object] = {"happening": happening, "purchase": purchase.uuid.hex}
    payload |= {"project_id": purchase.project_id} | {name: uuid.hex for name, uuid in (about or {}).items()}
    for queue, kind in FOLLOWERS[happening]:
        await enqueue(coffer, session, (queue, kind, payload))
