"""What an operation costs at most, in points, known before it runs: objects times the sizes of their lists."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from domain.limits import MAX_BATCH_ITEMS, MAX_PAGE_ITEMS

OPERATION_POINTS = 1
OBJECT_POINTS = 1
MUTATION_POINTS = 10
INTROSPECTION_POINTS = 100

SIZE_ARGUMENTS = {"first": MAX_PAGE_ITEMS, "horizonDays": 365}
"""Arguments that say how many items the lists right under their field have, and the most that they can say."""

LISTING_ARGUMENT = "ids"
"""The argument that lists what its own field answers."""

LIST_ITEMS = 50
"""How many items a list counts as when nothing says how many it has."""

KNOWN_LIST_ITEMS = {
    "errors": 1,
    "ours": 2,
    "packs": 10,
    "previousSlices": 500,
    "slices": 500,
    "theirs": 2,
    "topFeatures": 5,
    "totals": 15,
    "trialBalance": 15,
}


@dataclass(frozen=True, slots=True)
class Size:
    """A number of items: as a variable says, or else `items`; at most `most`."""

    items: int
    most: int
    variable: str | None = None

    def among(self, variables: dict[str, Any]) -> int:
        """The number for these variables. A value that is none of ours is refused later, whatever it counts as here."""
        value = variables.get(self.variable) if self.variable else None
        if isinstance(value, list):
            value = len(value)
        wanted = value if isinstance(value, int) else self.items
        return max(0, min(wanted, self.most))


ONE = Size(1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A field, with what is below it, as points of one item and the number of items."""

    points: int
    size: Size
    parts: tuple["Part", ...]

    def price(self, variables: dict[str, Any], known: dict["Part", int]) -> int:
        """Points of all items; a part that many others share is counted out once."""
        if self not in known:
            below = sum(part.price(variables, known) for part in self.parts)
            known[self] = self.size.among(variables) * (self.points + below)
        return known[self]


class Price:
    """The price of one operation, worked out as far as it can be without its variables."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._shared: dict[tuple[str, Size | None], Part] = {}
        self._defaults = {
            d.variable.name.value: _literal(d.default_value) for d in operation.variable_definitions or ()
        }
        root = schema.get_root_type(operation.operation)
        self._mutation = schema.mutation_type
        self._parts = self._below(operation.selection_set, root, None)

    def points(self, variables: dict[str, Any] | None) -> int:
        """The price for these variables."""
        known: dict[Part, int] = {}
        return OPERATION_POINTS + sum(part.price(variables or {}, known) for part in self._parts)

    def _below(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None, page: Size | None
    ) -> tuple[Part, ...]:
        """The parts of a selection; `page` is how many items the lists right in it have."""
        parts = []
        for node in selections.selections if selections else ():
            part = Part(0, ONE, ())
            if isinstance(node, FieldNode):
                part = self._field(node, parent, page)
            elif isinstance(node, FragmentSpreadNode):
                part = self._fragment(node.name.value, page)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                part = Part(0, ONE, self._below(node.selection_set, inner, page))
            if part.points or part.parts:
                parts.append(part)
        return tuple(parts)

    def _fragment(self, name: str, page: Size | None) -> Part:
        key = (name, page)
        if key not in self._shared:
            fragment = self._fragments[name]
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._shared[key] = Part(0, ONE, self._below(fragment.selection_set, on, page))
        return self._shared[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: Size | None) -> Part:
        name = node.name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or name not in parent.fields:
            return Part(INTROSPECTION_POINTS if name in {"__schema", "__type"} else 0, ONE, ())
        field = parent.fields[name]
        act = MUTATION_POINTS if parent is self._mutation else 0
        named = get_named_type(field.type)
        if is_leaf_type(named):
            return Part(act, ONE, ())
        page_below = self._page(node, field, acts=bool(act))
        if not is_list_type(get_nullable_type(field.type)):
            return Part(act + OBJECT_POINTS, ONE, self._below(node.selection_set, named, page_below))
        # A list that its own arguments limit; else the page that it is in does.
        size = page_below or self._items(name, page)
        return Part(act + OBJECT_POINTS, size, self._below(node.selection_set, named, None))

    def _items(self, name: str, page: Size | None) -> Size:
        known = KNOWN_LIST_ITEMS.get(name)
        if known is None:
            return page or Size(LIST_ITEMS, LIST_ITEMS)
        return Size(known, known)

    def _page(self, node: FieldNode, field: GraphQLField, *, acts: bool) -> Size | None:
        """How many items a field's arguments ask for; a mutation answers for each input of a list."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name, argument in field.args.items():
            if name in SIZE_ARGUMENTS:
                return self._size(given.get(name), SIZE_ARGUMENTS[name], _default(argument))
            if name == LISTING_ARGUMENT and name in given:
                return self._size(given[name], MAX_PAGE_ITEMS, 0)
            if acts and is_list_type(get_nullable_type(argument.type)) and name in given:
                return self._size(given[name], MAX_BATCH_ITEMS, 0)
        return None

    def _size(self, value: ValueNode | None, most: int, otherwise: int) -> Size:
        if isinstance(value, VariableNode):
            default = self._defaults.get(value.name.value)
            return Size(otherwise if default is None else default, most, value.name.value)
        literal = _literal(value)
        return Size(otherwise if literal is None else literal, most)


def _literal(value: ValueNode | None) -> int | None:
    """The number that a literal says: itself, or how many items it lists."""
    if isinstance(value, IntValueNode):
        return int(value.value)
    return len(value.values) if isinstance(value, ListValueNode) else None


def _default(argument: GraphQLArgument) -> int:
    """The number that the schema says when a caller says nothing."""
    return argument.default_value if isinstance(argument.default_value, int) else LIST_ITEMS
