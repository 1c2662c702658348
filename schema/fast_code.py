"""The Python source of a compiled selection."""

# ruff: noqa: ANN401 - rows and graphql-core's types can be anything

from typing import Any

from graphql import GraphQLBoolean, GraphQLID, GraphQLInt, GraphQLNonNull, GraphQLString

from schema.fast_values import Convert
from schema.scalars import WHOLE_NUMBERS

INT_LIMITS = (-(2**31), 2**31 - 1)


class Code:
    """The source of a function from a row to its selection.

    Names of fields are GraphQL names or repr()s of them, those of attributes come from our classes: nothing that a
    caller sends is run.
    """

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._entries: list[str] = []

    def constant(self, name: str, value: str) -> None:
        """Add an entry that is the same for every row."""
        self._entries.append(f"{name!r}: {value!r}")

    def field(self, name: str, source: str | Convert, type_: Any, convert: Convert) -> None:
        """Add an entry: an attribute of the row or a function of it, converted unless it is what the answer holds."""
        number = len(self._entries)
        value, read = f"v{number}", f"row.{source}"
        if not isinstance(source, str):
            self._names[f"f{number}"], read = source, f"f{number}(row)"
        self._names[f"c{number}"] = convert
        self._lines.append(f" {value} = {read}")
        test = _identical(type_, value)
        self._lines.append(f" {test}{value} = c{number}({value})")
        self._entries.append(f"{name!r}: {value}")

    def compiled(self, *, alone: bool = False) -> Convert:
        """The function: to a dict, or to the value of its only entry."""
        entries = ", ".join(self._entries)
        result = entries.partition(": ")[2] if alone else f"{{{entries}}}"
        exec("\n".join(["def select(row):", *self._lines, f" return {result}"]), self._names)  # noqa: S102 - see above
        made: Convert = self._names["select"]
        return made


def _identical(type_: Any, value: str) -> str:
    """A test for values that need no conversion; nothing where there are none."""
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if inner in {GraphQLString, GraphQLID}:
        return f"if type({value}) is not str: "
    if inner is GraphQLBoolean:
        return f"if type({value}) is not bool: "
    limits = INT_LIMITS if inner is GraphQLInt else WHOLE_NUMBERS.get(getattr(inner, "name", ""))
    if limits is None:
        return ""
    return f"if type({value}) is not int or not {limits[0]} <= {value} <= {limits[1]}: "
