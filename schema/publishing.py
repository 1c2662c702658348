"""Publishing classes as GraphQL types: descriptions come from docstrings, so nothing is written twice."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import strawberry

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def published(cls: type[T]) -> type[T]:
    """A GraphQL object type. Rows of the database stand for it as they are, read by attribute."""
    return _described(strawberry.type(cls, description=inspect.getdoc(cls)), cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def accepted(cls: type[T]) -> type[T]:
    """A GraphQL input type."""
    return _described(strawberry.input(cls, description=inspect.getdoc(cls)), cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def shared(cls: type[T]) -> type[T]:
    """A GraphQL interface."""
    return _described(strawberry.interface(cls, description=inspect.getdoc(cls)), cls)


def listed(enum: Any) -> Any:  # noqa: ANN401 - an enum class in, the same out
    """A GraphQL enum of a domain enum."""
    return strawberry.enum(enum, description=inspect.getdoc(enum))


def describe_root(cls: type[T]) -> type[T]:
    """Give the fields of a root type their resolvers' docstrings."""
    return _described(cls, cls)


def _described(published_class: type[T], cls: type) -> type[T]:
    texts = _attribute_docstrings(cls)
    for field in published_class.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        resolver = field.base_resolver
        field.description = (
            field.description or texts.get(field.python_name) or (resolver and _doc(resolver.wrapped_func))
        )
    return published_class


def _doc(function: Callable[..., Any]) -> str | None:
    return inspect.getdoc(function)


def _attribute_docstrings(cls: type) -> dict[str, str]:
    """The string below each annotated attribute of a class body."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - it is the source of a class
    found = {}
    for statement, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and _is_text(text):
            found[statement.target.id] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return found


def _is_text(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(value, ast.Constant) and isinstance(value.value, str)
