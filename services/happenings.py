"""Telling other parts of Coffer what happened to a purchase: a job for each, in the transaction that made it happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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


async def happened(
    coffer: Coffer,
    session: Session,
    happening: Happening,
    purchase: Purchase,
    about: Mapping[str, UUID] | None = None,
) -> None:
    """Ask for what follows; `about` names the refund or the dispute."""
    await enqueue_all(coffer, session, _following(happening, purchase, about or {}))


async def happened_to_all(
    coffer: Coffer, session: Session, happening: Happening, purchases: Sequence[Purchase]
) -> None:
    """Ask for what follows from the same happening to many purchases."""
    works = [work for purchase in purchases for work in _following(happening, purchase, {})]
    await enqueue_all(coffer, session, works)


def _following(
    happening: Happening, purchase: Purchase, about: Mapping[str, UUID]
) -> list[tuple[Queue, str, dict[str, object]]]:
    payload: dict[str, object] = {"happening": happening, "purchase": purchase.uuid.hex}
    payload |= {"project_id": purchase.project_id} | {name: uuid.hex for name, uuid in about.items()}
    return [(queue, kind, payload) for queue, kind in FOLLOWERS[happening]]
