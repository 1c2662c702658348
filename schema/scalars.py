"""Scalars of Coffer: whole numbers of 64 bits that JSON carries exactly, and nothing that only looks like one."""

from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.limits import MAX_CREDITS

Credits = NewType("Credits", int)
BigInt = NewType("BigInt", int)


def _exact(name: str) -> Any:  # noqa: ANN401 - a function for the scalar
    def check(value: Any) -> int:  # noqa: ANN401 - whatever a client sent
        if isinstance(value, bool) or not isinstance(value, int):
            raise GraphQLError(f"{name} is a whole JSON number, not {value!r}.")
        if abs(value) > MAX_CREDITS:
            raise GraphQLError(f"{name} is at most {MAX_CREDITS} (2^53-1).")
        return value

    return check


def _scalar(name: str, description: str) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=_exact(name), parse_value=_exact(name))


WHOLE_NUMBERS = {"Credits": (-MAX_CREDITS, MAX_CREDITS), "BigInt": (-MAX_CREDITS, MAX_CREDITS)}
"""Scalars whose values an answer holds as they are when they lie within these limits."""

SCALARS: dict[object, ScalarDefinition] = {
    Credits: _scalar("Credits", "Whole credits, a JSON number of at most 2^53-1."),
    BigInt: _scalar("BigInt", "A 64-bit count, minor unit or sequence, a JSON number of at most 2^53-1."),
}
