"""The money books."""

from functools import partial
from typing import Any

import strawberry

from resolvers.narrowing import narrowed
from schema.context import Info
from schema.pagination import After, First, connection
from services import books as service


async def money_accounts(info: Info) -> Any:  # noqa: ANN401 - rows
    """Every account of the project's money books; the balances of one currency add up to 0 (owner)."""
    return await service.list_accounts(info.context.coffer, info.context.actor)


async def money_entries(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    purchase_id: strawberry.ID | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Entries of the money books, of the project or of one purchase, newest first (owner)."""
    words = (info.context.coffer, info.context.actor, narrowed("pur", purchase_id))
    return await connection(first, after, partial(service.list_entries, *words))
