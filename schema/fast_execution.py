"""Executes plain parts of an answer without graphql-core's work for each field; the one place that leans on its inside.

A selection that only reads attributes, or calls functions of the row alone, is compiled to one Python function.
Whatever that function was not made for (an error, an awaitable, null under non-null, a wrong type) is left to
graphql-core, from the row on, so data and errors are those of the stock executor, and a function of the row may be
called twice. tests/schema/test_fast_execution.py holds it to that. `COFFER_FAST_EXECUTION=false` switches it off.
"""

# ruff: noqa: ANN401 - rows, parts of answers and what graphql-core hands around can be anything

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    default_field_resolver,
    default_type_resolver,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues

from schema.events import EventExecutor
from schema.fast_values import Convert, Unusual, absent_value, leaf_value, list_value, object_value
from schema.scalars import WHOLE_NUMBERS

MAX_OPERATIONS = 1_000
"""Operations whose compiled functions are kept; the least recently used one makes room."""

INT_LIMITS = (-(2**31), 2**31 - 1)


class FastExecutor(EventExecutor):
    """Strawberry's executor with compiled selections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.middleware_manager is not None and not self.middleware_manager.middlewares:
            # Strawberry's is always there; without middleware it only costs a call for each field.
            self.middleware_manager = None
        self._compiled: dict[Any, Convert | None] = _compiled_before(self.operation, self.fragment_definitions)

    @classmethod
    def of_shape(cls, schema: GraphQLSchema, document: DocumentNode, operation: Any) -> "FastExecutor":
        """An executor that compiles an operation and never runs it."""
        definitions = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        fragments = {name: FragmentDetails(definition, None) for name, definition in definitions.items()}
        resolvers = (default_field_resolver, default_type_resolver, default_field_resolver)
        nothing = VariableValues({}, {})
        return cls(schema, definitions, fragments, None, None, operation, nothing, *resolvers)

    def root_fields(self, root: Any) -> dict[str, Any]:
        """The fields of the operation, by their names in the answer."""
        found = collect_fields(
            self.schema, self.fragments, self.variable_values, root, self.operation, hide_suggestions=True
        )
        fields: dict[str, Any] = found.grouped_field_set
        return fields

    def converter(self, type_: Any, details: Any) -> Convert:
        """How values of a field become part of the answer. Unusual when that is not plain."""
        convert = self._converter(type_, details)
        if convert is None:
            raise Unusual
        return convert

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object."""
        row = self._row(return_type, field_details_list) if position_context is None else None
        if row is not None:
            try:
                return row(result)
            except Exception:  # noqa: BLE001, S110 - graphql-core does it again, and says what is wrong
                pass
        return super().collect_and_execute_subfields(return_type, field_details_list, path, result, position_context)

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list."""
        if type(items) is list and position_context is None and not _streams(field_details_list):
            convert = self._value(item_type, field_details_list)
            if convert is not None:
                try:
                    return [convert(item) for item in items]
                except Exception:  # noqa: BLE001, S110 - as above
                    pass
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Any,
        position_context: Any,
    ) -> Any:
        """Complete a field of an object that could not be compiled as a whole."""
        field = self._field(parent_type, field_details_list) if position_context is None else None
        if field is not None:
            try:
                return field(source)
            except Exception:  # noqa: BLE001, S110 - as above
                pass
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def _row(self, type_: GraphQLObjectType, details: Any) -> Convert | None:
        return self._once(("row", type_, *_nodes(details)), lambda: self._compile(type_, details))

    def _field(self, type_: GraphQLObjectType, details: Any) -> Convert | None:
        return self._once(("field", type_, *_nodes(details)), lambda: self._compile_field(type_, details))

    def _value(self, type_: Any, details: Any) -> Convert | None:
        return self._once(("value", type_, *_nodes(details)), lambda: self._converter(type_, details))

    def _once(self, key: Any, make: Callable[[], Convert | None]) -> Convert | None:
        """What was made for these nodes before; they stay alive with the operation, so their ids stay theirs."""
        if key not in self._compiled:
            self._compiled[key] = make()
        return self._compiled[key]

    def _compile(self, type_: GraphQLObjectType, details: Any) -> Convert | None:
        """A function from a row to its selection; None when a part of it is not plain."""
        fields, deferred, _ = self.collect_subfields(type_, details)
        if deferred:
            return None
        code = _Code()
        for name, each in fields.items():
            if not self._add(code, type_, name, each):
                return None
        return code.compiled()

    def _compile_field(self, type_: GraphQLObjectType, details: Any) -> Convert | None:
        code = _Code()
        return code.compiled(alone=True) if self._add(code, type_, "_", details) else None

    def _add(self, code: "_Code", type_: GraphQLObjectType, name: str, details: Any) -> bool:
        """Add a field to the function that is being written; False when it is not plain."""
        node = details[0].node
        field = self.schema.get_field(type_, node.name.value)
        if field is None or node.arguments:
            return False
        if node.name.value == "__typename":
            code.constant(name, type_.name)
            return True
        source, convert = _source(field), self._converter(field.type, details)
        if source is None or convert is None:
            return False
        code.field(name, source, field.type, convert)
        return True

    def _converter(self, type_: Any, details: Any) -> Convert | None:
        """How values of a type become part of the answer; None when that is not plain."""
        nullable = not isinstance(type_, GraphQLNonNull)
        inner = type_ if nullable else type_.of_type
        if is_leaf_type(inner):
            return leaf_value(inner, nullable=nullable)
        if isinstance(inner, GraphQLList):
            if _streams(details):
                return None
            item = self._converter(inner.of_type, details)
            return None if item is None else list_value(item, nullable=nullable)
        if is_abstract_type(inner):
            return absent_value(nullable=nullable)
        row = self._row(inner, details)
        return None if row is None else object_value(row, inner.is_type_of, nullable=nullable)


class _Code:
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


def _source(field: GraphQLField) -> str | Convert | None:
    """The attribute that a field reads, or the function of the row that it calls; None for anything else."""
    definition = (field.extensions or {}).get("strawberry-definition")
    if definition is None or field.args or definition.extensions or not callable(field.resolve):
        return None
    resolver = definition.base_resolver
    if resolver is None:
        plain = getattr(field.resolve, "_is_default", False) and definition.default_resolver is getattr
        return str(definition.python_name) if plain and definition.python_name.isidentifier() else None
    function = resolver.wrapped_func
    of_the_row = resolver.self_parameter or resolver.root_parameter or resolver.parent_parameter
    if not of_the_row or resolver.is_async or not inspect.isfunction(function):
        return None
    made: Convert = function
    return made if len(inspect.signature(function).parameters) == 1 else None


_known: OrderedDict[int, tuple[OperationDefinitionNode, Any, dict[Any, Convert | None]]] = OrderedDict()


def _compiled_before(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> Any:
    """What was compiled for an operation whose selections are the same each time; else an empty dict."""
    known = _known.get(id(operation))
    if known is not None and known[0] is operation:
        _known.move_to_end(id(operation))
        return known[2]
    compiled: dict[Any, Convert | None] = {}
    if not varies([operation, *fragments.values()]):
        _known[id(operation)] = (operation, fragments, compiled)
        if len(_known) > MAX_OPERATIONS:
            _known.popitem(last=False)
    return compiled


def varies(definitions: Iterable[Any]) -> bool:
    """Whether a directive stands in some selection: it may leave a field out for some variables."""
    waiting = list(definitions)
    while waiting:
        node = waiting.pop()
        if node.directives:
            return True
        waiting.extend(node.selection_set.selections if getattr(node, "selection_set", None) else ())
    return False


def _streams(details: Any) -> bool:
    """Whether a list is to be sent in pieces, which is graphql-core's."""
    return any(directive.name.value == "stream" for directive in details[0].node.directives or ())


def _nodes(details: Any) -> tuple[int, ...]:
    return tuple([id(each.node) for each in details])
