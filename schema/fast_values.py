"""Values of rows as parts of an answer, for those that need nothing but conversion."""

# ruff: noqa: ANN401 - values and graphql-core's types can be anything

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import GeneratorType
from typing import Any
from uuid import UUID

from graphql import GraphQLEnumType
from graphql.pyutils import Undefined

Convert = Callable[[Any], Any]
"""From a value to what the answer holds. Unusual, or any other exception, leaves the work to graphql-core."""

_PLAIN = frozenset({str, int, float, bool, bytes, dict, list, tuple, Decimal, datetime, date, time, UUID})
"""Types whose values are neither awaited nor raised, so that coercing them is all there is to do."""


LISTS = frozenset({list, tuple})
"""Types of values that are lists for graphql-core too, and have nothing to wait for."""


class Unusual(Exception):
    """A value that graphql-core knows how to treat."""


def leaf_value(type_: Any, *, nullable: bool) -> Convert:
    """A scalar or an enum."""
    coerce = type_.coerce_output_value
    members = _members(type_)

    def convert(value: Any) -> Any:
        if value is None and nullable:
            return None
        kind = type(value)
        if members is not None and kind is members[0]:
            return members[1][value]
        if kind in _PLAIN or isinstance(value, Enum):
            coerced = coerce(value)
            if coerced is not None and coerced is not Undefined:
                return coerced
        raise Unusual

    return convert


def list_value(item: Convert, *, nullable: bool) -> Convert:
    """A list of what `item` converts."""

    def convert(value: Any) -> Any:
        if type(value) in LISTS:
            return [item(each) for each in value]
        if value is None and nullable:
            return None
        raise Unusual

    return convert


def absent_value(*, nullable: bool) -> Convert:
    """An object of an interface or a union: only its absence is plain."""

    def convert(value: Any) -> None:
        if value is not None or not nullable:
            raise Unusual

    return convert


def object_value(row: Convert, is_type_of: Any, *, nullable: bool) -> Convert:
    """An object whose selection is what `row` makes of it."""

    def convert(value: Any) -> Any:
        if value is None and nullable:
            return None
        # A check that wants more than the value fails here, and is made by graphql-core.
        if not _is_ordinary(type(value)) or hasattr(value, "__await__"):  # type: ignore[arg-type]
            raise Unusual
        if is_type_of is not None and is_type_of(value, None) is not True:
            raise Unusual
        return row(value)

    return convert


@lru_cache(maxsize=1_000)
def _members(type_: Any) -> tuple[type, dict[Any, Any]] | None:
    """The class and the names of an enum's members."""
    cls = getattr(type_, "wrapped_cls", None) if isinstance(type_, GraphQLEnumType) else None
    if not isinstance(cls, type) or not issubclass(cls, Enum):
        return None
    try:
        return cls, {member: type_.coerce_output_value(member) for member in cls}
    except ValueError:
        return None


@lru_cache(maxsize=1_000)
def _is_ordinary(cls: type) -> bool:
    """Whether values of a class are neither nothing, nor raised, nor awaited."""
    return not issubclass(cls, BaseException | GeneratorType) and cls not in {type(None), type(Undefined)}
