"""Arguments of a field straight from a request's variables, for those that need nothing but conversion."""

# ruff: noqa: ANN401 - values and graphql-core's types can be anything

from collections.abc import Mapping
from dataclasses import MISSING
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    is_leaf_type,
    type_from_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal
from strawberry.relay import GlobalID
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryMaybe, StrawberryOptional, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from schema.fast_values import Convert, Unusual, list_value

_NOTHING = object()
"""No value: the resolver's own default holds."""

_REQUIRED = object()
"""No value, where there has to be one."""

_CONSTANTS = (str, int, float, bool, type(None), Enum)
"""Values that every call can share."""

MAX_DEPTH = 6
"""Input types that hold others are followed so far; what a type of itself holds is graphql-core's."""


class Arguments:
    """How a field's arguments follow from variables, in one operation. Unusual when that is not plain."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        field: GraphQLField,
        node: FieldNode,
        own: StrawberryField,
    ) -> None:
        self._schema = schema
        self._config = schema.extensions["strawberry-definition"].config
        self._registry = schema.extensions["strawberry-definition"].schema_converter.scalar_registry
        self._variables = {each.variable.name.value: each for each in operation.variable_definitions or ()}
        self._constants: dict[str, Any] = {}
        self._readers: list[tuple[str, str, Convert, Any]] = []
        sent = {each.name.value: each.value for each in node.arguments or ()}
        for argument in own.arguments:
            name = self._config.name_converter.from_argument(argument)
            self._add(argument, field.args[name], sent.get(name))
        if set(self._variables) - {name for name, *_ in self._readers}:
            # Something else reads it, or its value has to be checked though nothing does.
            raise Unusual

    def read(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for these variables. Any exception leaves the work to graphql-core."""
        arguments = self._constants.copy()
        for variable, name, convert, absent in self._readers:
            if variable in variables:
                arguments[name] = convert(variables[variable])
            elif absent is _REQUIRED:
                raise Unusual
            elif absent is not _NOTHING:
                arguments[name] = absent
        return arguments

    def _add(self, argument: StrawberryArgument, defined: Any, sent: Any) -> None:
        """Add an argument: from a variable, a literal, or its default."""
        value = self._constant(coerce_default_value(defined), argument.type)
        if isinstance(sent, VariableNode):
            convert, absent = self._variable(argument, defined, self._variables[sent.name.value], value)
            self._readers.append((sent.name.value, argument.python_name, convert, absent))
            return
        if sent is not None:
            value = self._constant(_known(coerce_input_literal(sent, defined.type)), argument.type)
        if value is not _NOTHING:
            self._constants[argument.python_name] = value

    def _variable(
        self, argument: StrawberryArgument, defined: Any, definition: VariableDefinitionNode, default: Any
    ) -> tuple[Convert, Any]:
        """How a variable becomes an argument, and what the argument is without it."""
        type_: Any = type_from_ast(self._schema, definition.type)
        absent = default
        if definition.default_value is not None:
            absent = self._constant(_known(coerce_input_literal(definition.default_value, type_)), argument.type)
        if isinstance(type_, GraphQLNonNull) or isinstance(defined.type, GraphQLNonNull):
            type_ = type_ if isinstance(type_, GraphQLNonNull) else GraphQLNonNull(type_)
            absent = _REQUIRED if absent is _NOTHING else absent
        return self._converter(type_, argument.type, 0), absent

    def _constant(self, coerced: Any, type_: Any) -> Any:
        """A value that every call can share."""
        if coerced is Undefined:
            return _NOTHING
        made = convert_argument(coerced, type_, self._registry, self._config)
        if not isinstance(made, _CONSTANTS):
            raise Unusual
        return made

    def _converter(self, type_: Any, own: Any, depth: int) -> Convert:
        """How a value of a request becomes what a resolver takes."""
        nullable = not isinstance(type_, GraphQLNonNull)
        inner = type_ if nullable else type_.of_type
        own = _named(own)
        if isinstance(own, StrawberryMaybe) or own is GlobalID or depth > MAX_DEPTH:
            raise Unusual
        if is_leaf_type(inner):
            return _leaf(inner.coerce_input_value, nullable=nullable)
        if isinstance(inner, GraphQLList):
            return list_value(self._converter(inner.of_type, own.of_type, depth + 1), nullable=nullable)
        return self._object(inner, own, depth, nullable=nullable)

    def _object(self, type_: GraphQLInputObjectType, own: Any, depth: int, *, nullable: bool) -> Convert:
        """How an object becomes an instance of its input type."""
        definition = get_object_definition(own)
        if definition is None or definition.is_one_of or definition.from_input is not None:
            raise Unusual
        fields, absent, required = {}, {}, set()
        for field in definition.fields:
            name = self._config.name_converter.from_field(field)
            defined, inner = type_.fields[name], field.resolve_type(type_definition=definition)
            fields[name] = (field.python_name, self._converter(defined.type, inner, depth + 1))
            default = self._constant(coerce_default_value(defined), inner)
            if default is not _NOTHING:
                absent[field.python_name] = default
            elif isinstance(defined.type, GraphQLNonNull):
                required.add(field.python_name)
            elif field.default_value is MISSING and field.default_factory is MISSING:
                absent[field.python_name] = None
        return _instance(own, fields, absent, frozenset(required), nullable=nullable)


def _named(own: Any) -> Any:
    """A type of Strawberry without what says that it may be null, or is defined further down."""
    while isinstance(own, StrawberryOptional) and not isinstance(own, StrawberryMaybe):
        own = own.of_type
    return own.resolve_type() if isinstance(own, LazyType) else own


def _known(coerced: Any) -> Any:
    if coerced is Undefined:
        raise Unusual
    return coerced


def _leaf(coerce: Convert, *, nullable: bool) -> Convert:
    """A scalar or an enum."""

    def convert(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise Unusual
        coerced = coerce(value)
        if coerced is Undefined or coerced is None:
            raise Unusual
        return coerced

    return convert


def _instance(
    cls: type,
    fields: dict[str, tuple[str, Convert]],
    absent: dict[str, Any],
    required: frozenset[str],
    *,
    nullable: bool,
) -> Convert:
    """An input type's instance; a field that is unknown or missing is not plain."""

    def convert(value: Any) -> Any:
        if value is None and nullable:
            return None
        if type(value) is not dict:
            raise Unusual
        values = absent.copy()
        for key, sent in value.items():
            name, made = fields[key]
            values[name] = made(sent)
        if not required <= values.keys():
            raise Unusual
        return cls(**values)

    return convert
