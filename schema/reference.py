"""The reference of the API, written out of the schema's own descriptions."""

from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql.utilities import ast_from_value

HEAD = """# Reference

Written by `make schema` from [schema.graphql](../schema/schema.graphql); [how it changes](schema.md).
"""
KINDS = {
    GraphQLObjectType: "Objects",
    GraphQLInterfaceType: "Interfaces",
    GraphQLInputObjectType: "Inputs",
    GraphQLEnumType: "Enums",
    GraphQLScalarType: "Scalars",
}

Described = GraphQLField | GraphQLInputField | GraphQLEnumValue


def reference(schema: GraphQLSchema) -> str:
    """The whole reference, in Markdown."""
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root]
    lines = [HEAD]
    for root in roots:
        lines += [f"## {root.name}", "", *_section(root)]
    for kind, title in KINDS.items():
        types = [t for t in schema.type_map.values() if type(t) is kind and t not in roots and _own(t)]
        lines += [f"## {title}", ""]
        for named in sorted(types, key=lambda each: each.name):
            lines += [f"### {named.name}", "", *_section(named)]
    return "\n".join(lines).rstrip() + "\n"


def _own(named: GraphQLNamedType) -> bool:
    return not is_introspection_type(named) and not is_specified_scalar_type(named)


def _section(named: GraphQLNamedType) -> Iterator[str]:
    """What a type is, and a table of what it has."""
    yield named.description or ""
    yield ""
    if isinstance(named, GraphQLEnumType):
        yield from _table("value", ((name, value, "") for name, value in named.values.items()))
    if isinstance(named, GraphQLInputObjectType):
        yield from _table("field", ((name, field, _typed(field)) for name, field in named.fields.items()))
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        yield from _table("field", ((name, field, str(field.type)) for name, field in named.fields.items()))


def _table(first: str, rows: Iterable[tuple[str, Described, str]]) -> Iterator[str]:
    yield f"| {first} | type | meaning |" if first == "field" else f"| {first} | meaning |"
    yield "| --- | --- | --- |" if first == "field" else "| --- | --- |"
    for name, described, of in rows:
        meaning = _one_line(described.description)
        if described.deprecation_reason:
            meaning = f"**Deprecated**: {_one_line(described.deprecation_reason)} {meaning}"
        arguments = described.args if isinstance(described, GraphQLField) else {}
        meaning += "".join(
            f"<br>`{argument}: {_typed(value)}` {_one_line(value.description)}" for argument, value in arguments.items()
        )
        yield f"| `{name}` | `{of}` | {meaning} |" if first == "field" else f"| `{name}` | {meaning} |"
    yield ""


def _typed(value: GraphQLArgument | GraphQLInputField) -> str:
    """A type with its default."""
    default = ast_from_value(value.default_value, value.type) if _has_default(value) else None
    return f"{value.type} = {print_ast(default)}" if default else str(value.type)


def _has_default(value: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(value.default_value, int | str | float) and value.default_value is not None


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
