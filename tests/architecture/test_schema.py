"""The published schema: committed as printed, and never without what clients rely on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    is_specified_scalar_type,
    print_ast,
)

from schema.reference import reference
from schema.root import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def described(name: str, value: GraphQLArgument | GraphQLInputField) -> str:
    """An argument or input field with its type and its default as written; `none` is no default, `null` is one."""
    written = value.ast_node.default_value if value.ast_node else None
    return f"{name}: {value.type} = {print_ast(written) if written else 'none'}"


def members(type_: GraphQLNamedType) -> Iterator[str]:
    """Everything of a type that a client can rely on, one line each."""
    name = type_.name
    yield f"{type(type_).__name__} {name}"
    if isinstance(type_, GraphQLEnumType):
        yield from (f"{name}.{value}" for value in type_.values)
    if isinstance(type_, GraphQLUnionType):
        yield from (f"{name} = {member.name}" for member in type_.types)
    if isinstance(type_, GraphQLInputObjectType):
        yield from (described(f"{name}.{key}", field) for key, field in type_.fields.items())
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        yield from (f"{name} implements {interface.name}" for interface in type_.interfaces)
        yield from (f"{name}.{key}: {field.type}" for key, field in type_.fields.items())
        for key, field in type_.fields.items():
            yield from (described(f"{name}.{key}({argument}", value) for argument, value in field.args.items())


def promises(sdl: str) -> set[str]:
    """Every line that a schema promises."""
    types = build_schema(sdl).type_map.values()
    return {line for type_ in types if not type_.name.startswith("__") for line in members(type_)}


def required_additions(contract: str, ours: str) -> list[str]:
    """Arguments and input fields that a client of the contract does not send, but the schema demands."""
    known = {line.split(":")[0] for line in promises(contract)}
    types = {line.split(" ")[1] for line in promises(contract) if line.startswith("GraphQL")}
    demanded = [line for line in promises(ours) if line.endswith("! = none") and line.split(":")[0] not in known]
    return [line for line in demanded if line.split(".")[0] in types and _called(line, known)]


def _called(line: str, known: set[str]) -> bool:
    """Whether the field with this argument, or the type with this input field, is in the contract."""
    field = line.partition(":")[0]
    return "(" not in field or field.split("(")[0] in known


def contract() -> str:
    """The promised schema."""
    return (HERE / "contract.graphql").read_text()


def test_the_committed_schema_is_the_printed_one() -> None:
    """schema.graphql equals what the code prints; `make schema` writes it."""
    assert (ROOT / "schema" / "schema.graphql").read_text().strip() == schema.as_str().strip()


def test_the_committed_reference_is_the_printed_one() -> None:
    """docs/reference.md equals what the schema's descriptions say; `make schema` writes it."""
    assert (ROOT / "docs" / "reference.md").read_text() == reference(schema._schema)  # noqa: SLF001 - graphql-core's own


def undescribed() -> Iterator[str]:
    """Every type, field, argument and enum value without a description."""
    for type_ in build_schema(schema.as_str()).type_map.values():
        if type_.name.startswith("__") or is_specified_scalar_type(type_):
            continue
        parts = {type_.name: type_}
        for name, part in (getattr(type_, "fields", None) or getattr(type_, "values", None) or {}).items():
            parts[f"{type_.name}.{name}"] = part
            parts |= {f"{type_.name}.{name}({key})": value for key, value in getattr(part, "args", {}).items()}
        yield from (name for name, part in parts.items() if not part.description)


def test_everything_is_described() -> None:
    """Each type, field, argument and enum value has a description: docs/schema.md says where it stands."""
    assert list(undescribed()) == []


def test_everything_that_clients_rely_on_is_there() -> None:
    """Every type, field, argument, default, enum value and interface of the contract is in the schema."""
    assert sorted(promises(contract()) - promises(schema.as_str())) == []


def test_nothing_new_is_demanded_of_clients() -> None:
    """What the contract's operations and inputs gained is optional."""
    assert required_additions(contract(), schema.as_str()) == []


def test_a_lost_default_is_noticed() -> None:
    """The comparison tells an argument with a default from one without."""
    kept, lost = "type Query { wallets(first: Int! = 20): Int }", "type Query { wallets(first: Int!): Int }"
    assert promises(kept) - promises(lost) == {"Query.wallets(first: Int! = 20"}


def test_a_new_demand_is_noticed() -> None:
    """The comparison tells a new required argument of a known field from one of a new field."""
    before, after = "type Query { a: Int }", "type Query { a(x: Int!): Int b(y: Int!): Int }"
    assert required_additions(before, after) == ["Query.a(x: Int! = none"]
