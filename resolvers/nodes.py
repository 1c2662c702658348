"""Objects of any kind by their ids."""

import asyncio
from typing import Any

import strawberry

from domain.errors import InvalidInput
from domain.limits import MAX_PAGE_ITEMS
from schema.context import Info


async def node(info: Info, id: strawberry.ID) -> Any:  # noqa: ANN401 - the contract's name; a row
    """The object with this id, or null when the project has none. Keys are for owners, jobs for owners and admins."""
    assert info.context.actor  # noqa: S101 - asks for a key
    return await info.context.loaders["nodes"].load(id)


async def nodes(info: Info, ids: list[strawberry.ID]) -> Any:  # noqa: ANN401 - rows, faults and None
    """The objects with these ids, 100 at most, in their order; null for each that the project has not."""
    assert info.context.actor  # noqa: S101 - asks for a key
    if len(ids) > MAX_PAGE_ITEMS:
        raise InvalidInput(f"ids names at most {MAX_PAGE_ITEMS} objects: ask for the rest in another query.")
    load = info.context.loaders["nodes"].load
    return await asyncio.gather(*(load(id) for id in ids), return_exceptions=True)
