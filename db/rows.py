"""Rows that did not come through the ORM: read by column name, like the models, and published the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Row:
    """A stored row; its attributes are the names of the columns."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as many types as there are columns
        """Read a column."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None
