"""What Coffer asks of a provider that can list the money that it took and gave back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from gateways.base import GatewayRefused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from domain.totals import Movement, Span

LISTED_PAGES: Final = 100
"""Pages of one list that are read: more do not fit into an attempt of the job that asks."""


class Movements(Protocol):
    """How a provider lists movements. Calls raise GatewayRefused or GatewayUnavailable (see gateways/base.py)."""

    async def list_movements(self, span: Span) -> list[Movement]:
        """Payments and refunds of a time, and maybe some beside it; refunds on their way too, failed ones not."""
        ...


def movements_of(gateway: object) -> Movements | None:
    """How a gateway lists movements; None when it does not."""
    movements: Movements | None = getattr(gateway, "movements", None)
    return movements


async def every_page(
    read: Callable[[str | None], Awaitable[tuple[Sequence[Any], str | None]]],
) -> AsyncGenerator[Any, None]:
    """All entries of a list; `read` takes where a page begins (None: the first) and says where the next does.

    GatewayRefused when there are more than LISTED_PAGES.
    """
    place: str | None = None
    for _ in range(LISTED_PAGES):
        entries, place = await read(place)
        for entry in entries:
            yield entry
        if place is None:
            return
    raise GatewayRefused(f"The provider lists more than {LISTED_PAGES} pages: too many to compare in one go.")
