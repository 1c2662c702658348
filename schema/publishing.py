"""Publishing classes as GraphQL types: descriptions come from docstrings, so nothing is written twice."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import strawberry

T = TypeVar("T")

ARGUMENTS = {
    "after": "Resume behind this sequence; what was missed comes first.",
    "amount_minor": "An amount in paise.",
    "at": "A time in the past; now when you name none.",
    "atomic": "All or none.",
    "cap_id": "The cap.",
    "compare": "Whether to read as many days before as well.",
    "credits": "How many; all that is left when it is not said.",
    "days": "Which days.",
    "decision": "Only those with this decision.",
    "feature": "A feature of `pricing`.",
    "final": "Whether the rest goes back at once.",
    "gift_id": "The gift.",
    "group_by": "What the slices stand for.",
    "hold_id": "The hold.",
    "horizon_days": "How far to look ahead, 1 to 365 days.",
    "id": "The object's id.",
    "ids": "1 to 100 ids of any kinds.",
    "idempotency_key": "Your name for this act: sending it again changes nothing and gives the first result.",
    "input": "What to do.",
    "inputs": "What to do, 1 to 1,000 times.",
    "member": "Who in your product would cause it.",
    "note": "Why; kept with the event.",
    "overflow": "What happens when that is more than is left.",
    "owner_id": "Only of this owner.",
    "owner_type": "Only of this kind of owner.",
    "payout_id": "The payout.",
    "parts": "Vendors, each with its part: 1 to 20.",
    "pack_code": "A code of `packs`.",
    "gateway": "One of `gateways`; else the first.",
    "purchase_id": "The purchase.",
    "quantity": "Units; they multiply the price.",
    "reason": "Why; kept with the wallet.",
    "state": "Only those in this state.",
    "time_zone": "An IANA name; default Asia/Kolkata.",
    "transaction_id": "The transaction.",
    "types": "Only these kinds.",
    "wallet_id": "The wallet.",
    "wallet_ids": "1 to 100 wallets; the whole project when none is named.",
}
"""What an argument of that name means, unless its own annotation says otherwise."""


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
    published_enum: Any = strawberry.enum(enum, description=inspect.getdoc(enum))
    texts = _attribute_docstrings(enum)
    for value in published_enum.__strawberry_definition__.values:
        value.description = texts.get(value.name)
    return published_enum


def describe_root(cls: type[T]) -> type[T]:
    """Give a root type its docstring, its fields those of their resolvers, and their arguments what ARGUMENTS says."""
    definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
    definition.description = inspect.getdoc(cls)
    return _described(cls, cls)


def _described(published_class: type[T], cls: type) -> type[T]:
    texts: dict[str, str] = {}
    for parent in reversed(cls.__mro__[:-1]):
        texts |= _attribute_docstrings(parent)
    for field in published_class.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        resolver = field.base_resolver
        for argument in field.arguments:
            argument.description = argument.description or ARGUMENTS.get(argument.python_name)
        field.description = (
            field.description or texts.get(field.python_name) or (resolver and _doc(resolver.wrapped_func))
        )
    return published_class


def _doc(function: Callable[..., Any]) -> str | None:
    return inspect.getdoc(function)


def _attribute_docstrings(cls: type) -> dict[str, str]:
    """The string below each annotated attribute of a class body."""
    if cls.__module__ in {"typing", "enum", "builtins"}:
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - it is the source of a class
    found = {}
    for statement, text in zip(body.body, body.body[1:], strict=False):
        target = _target(statement)
        if isinstance(target, ast.Name) and _is_text(text):
            found[target.id] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return found


def _target(statement: ast.stmt) -> ast.expr | None:
    """What a statement of a class body gives a type or a value."""
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    return statement.target if isinstance(statement, ast.AnnAssign) else None


def _is_text(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(value, ast.Constant) and isinstance(value.value, str)
