"""The published schema: committed as printed, and never without what clients rely on."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, build_schema

from schema.root import schema

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_the_committed_schema_is_the_printed_one() -> None:
    """schema.graphql equals what the code prints; `make schema` writes it."""
    assert (ROOT / "schema" / "schema.graphql").read_text().strip() == schema.as_str().strip()


def missing(contract: object, ours: object, name: str) -> list[str]:
    """What the contract's type has and ours has not."""
    if isinstance(contract, GraphQLEnumType):
        assert isinstance(ours, GraphQLEnumType), name
        return [f"{name}.{value}" for value in contract.values if value not in ours.values]
    if isinstance(contract, GraphQLInputObjectType):
        assert isinstance(ours, GraphQLInputObjectType), name
        return [
            f"{name}.{key}: {field.type} = {field.default_value}"
            for key, field in contract.fields.items()
            if key not in ours.fields
            or (str(ours.fields[key].type), ours.fields[key].default_value) != (str(field.type), field.default_value)
        ]
    if isinstance(contract, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(ours, GraphQLObjectType | GraphQLInterfaceType), name
        lost = [f"{name} implements {i.name}" for i in contract.interfaces if i.name not in _names(ours)]
        return lost + [
            f"{name}.{key}: {field.type}"
            for key, field in contract.fields.items()
            if key not in ours.fields or str(ours.fields[key].type) != str(field.type)
        ]
    return []


def _names(type_: GraphQLObjectType | GraphQLInterfaceType) -> list[str]:
    return [interface.name for interface in type_.interfaces]


def test_everything_that_clients_rely_on_is_there() -> None:
    """Every type, field, enum value and input of the contract has its name, type and default in the schema."""
    contract = build_schema((HERE / "contract.graphql").read_text())
    ours = build_schema(schema.as_str())
    found = []
    for name, type_ in contract.type_map.items():
        if not name.startswith("__"):
            found += missing(type_, ours.type_map.get(name), name)
    assert found == []


def test_arguments_keep_their_types_and_defaults() -> None:
    """Every argument of the contract has its type and default."""
    contract = build_schema((HERE / "contract.graphql").read_text())
    ours = build_schema(schema.as_str())
    wrong = []
    for name, type_ in contract.type_map.items():
        if not isinstance(type_, GraphQLObjectType) or name.startswith("__"):
            continue
        for key, field in type_.fields.items():
            published = ours.type_map[name].fields[key].args  # type: ignore[attr-defined]
            for argument, wanted in field.args.items():
                given = published.get(argument)
                if given is None or (str(given.type), given.default_value) != (str(wanted.type), wanted.default_value):
                    wrong.append(f"{name}.{key}({argument}: {wanted.type} = {wanted.default_value})")
    assert wrong == []
