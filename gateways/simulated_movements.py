"""The simulated provider's list of money that moved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from domain.totals import MoneyMovement, Movement
from gateways.calls import readable
from gateways.movements import every_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from domain.totals import Span

    Call = Callable[[str, str], Awaitable[dict[str, Any]]]


class SimulatedMovements:
    """Movements over the connection of the simulated gateway."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def list_movements(self, span: Span) -> list[Movement]:
        """Payments and refunds of a time."""

        async def read(after: str | None) -> tuple[Sequence[Any], str | None]:
            words = {"start": span.start.isoformat(), "end": span.end.isoformat(), "after": after or "0"}
            answer = await self._call("GET", f"/simulated/movements?{urlencode(words)}")
            with readable():
                return answer["movements"], answer["next"]

        return [_read(one) async for one in every_page(read)]


def _read(answer: dict[str, Any]) -> Movement:
    with readable():
        return Movement(
            kind=MoneyMovement[answer["kind"].upper()],
            id=answer["id"],
            amount_minor=answer["amount_minor"],
            currency=answer["currency"],
            at=datetime.fromisoformat(answer["at"]),
            order_id=answer["order_id"],
            reference=answer["reference"],
        )
