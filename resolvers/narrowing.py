"""Lists and streams that an id narrows down."""

from typing import Final
from uuid import UUID

import strawberry

from domain.errors import NotFound
from resolvers.acts import given
from schema.ids import parse_id

_KINDS: Final = {
    "wal": ("wallet", "wallets"),
    "pur": ("purchase", "purchases"),
    "sub": ("subscription", "subscriptions"),
}


def narrowed(kind: str, id: strawberry.ID | None) -> UUID | None:
    """What a list is narrowed to; None, where no id is given, for all of it. NotFound for a text that can be no id."""
    if given(id) is None:
        return None
    found = parse_id(kind, str(id))
    if found is None:
        one, many = _KINDS[kind]
        raise NotFound(f"No such {one} in this project: see `{many}`.", field=[f"{one}Id"])
    return found
