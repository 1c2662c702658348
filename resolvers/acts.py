"""How a resolver answers: refusals become the payload's errors."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import strawberry
from strawberry.types.nodes import SelectedField

from domain.errors import DomainError
from schema.errors import user_error

P = ParamSpec("P")
T = TypeVar("T")


def refusable(payload: Callable[..., T]) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Answer a DomainError with an empty payload that carries it."""

    def wrap(resolver: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(resolver)
        async def act(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return await resolver(*args, **kwargs)
            except DomainError as error:
                return payload(errors=[user_error(error)])

        return act

    return wrap


def given(value: Any) -> Any:  # noqa: ANN401 - any input value
    """An input value, None where the caller left it out."""
    return None if value is strawberry.UNSET else value


def is_selected(info: Any, name: str) -> bool:  # noqa: ANN401 - Strawberry's own
    """Whether a caller asks the running field for one of the fields right below it, in a fragment or not."""

    def among(selections: Any) -> bool:  # noqa: ANN401 - Strawberry's own
        return any(
            part.name == name if isinstance(part, SelectedField) else among(part.selections) for part in selections
        )

    return any(among(field.selections) for field in info.selected_fields)
