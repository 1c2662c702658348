"""Objects with an id, and the fields that tell ids."""

from operator import attrgetter
from typing import Any

import strawberry

from domain.holds import HoldKind
from schema.ids import public_id
from schema.publishing import shared

NAMES = {"Row": "CreditTransaction", "CapState": "Cap"}
"""The types of what is published under another name."""


@shared
class Node:
    """An object with an id."""

    id: strawberry.ID
    """Names the object among all objects."""

    @classmethod
    def resolve_type(cls, row: Any, _info: object, _abstract: object) -> str:  # noqa: ANN401 - a row
        """The type that a row stands for."""
        name = type(row).__name__
        if name == "Hold" and row.kind is HoldKind.PAYOUT:
            return "Payout"
        return NAMES.get(name, name)

    @classmethod
    def is_type_of(cls, _row: object, _info: object) -> bool:
        """Rows are published as they are."""
        return True


def id_field(kind: str, path: str = "uuid") -> Any:  # noqa: ANN401 - Strawberry's field
    """A field with an id: of the row itself, or of what a path such as `wallet.uuid` from it names."""
    named = attrgetter(path)

    def id_of(root: strawberry.Parent[Any]) -> strawberry.ID:
        """Names the object among all objects."""
        return strawberry.ID(public_id(kind, named(root)))

    return strawberry.field(resolver=id_of)
