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
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    default_field_resolver,
    default_type_resolver,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues

from schema.events import EventExecutor
from schema.fast_code import Code
from schema.fast_values import LISTS, Convert, Unusual, absent_value, leaf_value, list_value, object_value

MAX_OPERATIONS = 1_000
"""Operations whose compiled functions are kept; the least recently used one makes room."""


class FastExecutor(EventExecutor):
    """Strawberry's executor with compiled selections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.middleware_manager is not None and not self.middleware_manager.middlewares:
            # Strawberry's is always there; without middleware it only costs a call for each field.
            self.middleware_manager = None
        self._compiled, self._is_kept = _compiled_before(self.operation, self.fragment_definitions)

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

    def build_per_event_executor(self, payload: Any) -> Any:
        """What executes one event: a compiled function where the subscription's field is plain."""
        event = self._once("event", self._compile_event) if self._is_kept else None
        if event is None:
            return super().build_per_event_executor(payload)
        return _Event(event, payload, lambda: super(FastExecutor, self).build_per_event_executor(payload))

    def _compile_event(self) -> Convert | None:
        """A function from an event to the data of its answer: an event is what its field resolves to."""
        root = self.schema.subscription_type
        [(name, details), *more] = self.root_fields(root).items()
        field = root and self.schema.get_field(root, details[0].node.name.value)
        convert = self._converter(field.type, details) if field and not more else None
        return None if convert is None else lambda event: {name: convert(event)}

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
        if type(items) in LISTS and position_context is None and not _streams(field_details_list):
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
        code = Code()
        for name, each in fields.items():
            if not self._add(code, type_, name, each):
                return None
        return code.compiled()

    def _compile_field(self, type_: GraphQLObjectType, details: Any) -> Convert | None:
        code = Code()
        return code.compiled(alone=True) if self._add(code, type_, "_", details) else None

    def _add(self, code: "Code", type_: GraphQLObjectType, name: str, details: Any) -> bool:
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


class _Event:
    """One event of a subscription, as graphql-core's executor of it would be."""

    __slots__ = ("_convert", "_payload", "_stock")

    def __init__(self, convert: Convert, payload: Any, stock: Callable[[], Any]) -> None:
        self._convert, self._payload, self._stock = convert, payload, stock

    def execute_operation(self, serially: bool | None = None) -> Any:  # noqa: FBT001 - graphql-core's signature
        """The answer to the event."""
        try:
            return ExecutionResult(self._convert(self._payload), None)
        except Exception:  # noqa: BLE001 - graphql-core does it again, and says what is wrong
            return self._stock().execute_operation(serially)


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


def _compiled_before(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> tuple[dict[Any, Convert | None], bool]:
    """What was compiled for an operation, and whether it is kept, since its selections are the same each time."""
    known = _known.get(id(operation))
    if known is not None and known[0] is operation:
        _known.move_to_end(id(operation))
        return known[2], True
    compiled: dict[Any, Convert | None] = {}
    if varies([operation, *fragments.values()]):
        return compiled, False
    _known[id(operation)] = (operation, fragments, compiled)
    if len(_known) > MAX_OPERATIONS:
        _known.popitem(last=False)
    return compiled, True


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
