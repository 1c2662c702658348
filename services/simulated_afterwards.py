"""What happens to a paid order of the simulated provider by the buttons of its page: disputes, and its subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput, InvalidState
from services.simulated_provider import announce, locked
from services.simulated_subscriptions import cancel, renew

if TYPE_CHECKING:
    from db.database import Session
    from db.models.purchases import SimulatedOrder
    from services.coffer import Coffer

DISPUTED: Final = {"dispute": (None, "open"), "win": ("open", "won"), "lose": ("open", "lost")}
"""What a dispute has to be before a button, and what it is after it."""

ACTIONS: Final = frozenset({*DISPUTED, "renew", "decline", "cancel"})
DISPUTABLE: Final = frozenset({"paid", "partially_refunded"})
_EVENTS: Final = {"open": "dispute.opened", "won": "dispute.won", "lost": "dispute.lost"}


async def act(coffer: Coffer, order_id: str, action: str) -> None:
    """Do what a button says. NotFound, InvalidInput, InvalidState."""
    if action not in ACTIONS:
        raise InvalidInput(f"Choose one of {', '.join(sorted(ACTIONS))}.")
    async with coffer.database.transaction() as session:
        order = await locked(session, order_id)
        if action in DISPUTED:
            await _dispute(coffer, session, order, action)
        elif action == "cancel":
            await cancel(coffer, session, order)
        else:
            await renew(coffer, session, order, "paid" if action == "renew" else "failed")


async def _dispute(coffer: Coffer, session: Session, order: SimulatedOrder, action: str) -> None:
    before, after = DISPUTED[action]
    if order.status not in DISPUTABLE or order.dispute != before:
        raise InvalidState(f"This order is {order.status}, and its dispute {order.dispute or 'not begun'}.")
    order.dispute = after
    await announce(coffer, session, order, _EVENTS[after])
