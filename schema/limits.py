"""What a document may look like, checked in one pass over it before anything costlier looks at it."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

MAX_DOCUMENT_CHARACTERS = 32 * 1024
"""Values belong into variables, so a longer document is a mistake or an attack."""

MAX_TOKENS = 2_000
MAX_DEFINITIONS = 50
"""Operations and fragments: GraphQL's rules compare every two of them."""

MAX_DEPTH = 15
MAX_ALIASES = 30
MAX_DIRECTIVES_PER_NODE = 3
MAX_REPEATS_PER_FIELD = 10
"""How often one selection may name a field: comparing repeated fields takes time that grows with its square."""

INTROSPECTION = frozenset({"__schema", "__type"})


class Shape(NamedTuple):
    """The size of a selection with its fragments spread out; introspection has a rule of its own for its depth."""

    depth: int
    aliases: int


def broken_limits(document: DocumentNode) -> list[GraphQLError]:
    """The limits that a document breaks, each with a sentence; [] when it keeps them all."""
    if len(document.definitions) > MAX_DEFINITIONS:
        return [GraphQLError(f"A document may have {MAX_DEFINITIONS} operations and fragments.")]
    measure = _Measure(document)
    shapes = [measure.shape(operation.selection_set) for operation in _operations(document)]
    found = {
        f"A document may nest to a depth of {MAX_DEPTH}.": max((s.depth for s in shapes), default=0) > MAX_DEPTH,
        f"A document may have {MAX_ALIASES} aliases.": sum(s.aliases for s in shapes) > MAX_ALIASES,
        f"A field may have {MAX_DIRECTIVES_PER_NODE} directives.": measure.most_directives > MAX_DIRECTIVES_PER_NODE,
        f"A selection may name a field {MAX_REPEATS_PER_FIELD} times.": measure.most_repeats > MAX_REPEATS_PER_FIELD,
    }
    return [GraphQLError(message) for message, broken in found.items() if broken]


def introspects(document: DocumentNode) -> bool:
    """Whether any part of a document asks for the schema."""
    selections = (d.selection_set for d in document.definitions if isinstance(d, _WITH_SELECTIONS))
    return any(field.name.value in INTROSPECTION for each in selections for field in _fields(each))


_WITH_SELECTIONS = (OperationDefinitionNode, FragmentDefinitionNode)


def _operations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    return (d for d in document.definitions if isinstance(d, OperationDefinitionNode))


def _fields(selections: SelectionSetNode) -> Iterator[FieldNode]:
    """Every field that stands in a selection, however deep, without what fragments bring."""
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                yield node
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                waiting.append(inner)


class _Measure:
    """Measures selections; each fragment once, since spreading it out wherever it is named would never end."""

    def __init__(self, document: DocumentNode) -> None:
        self.most_directives = max((len(d.directives or ()) for d in document.definitions), default=0)  # type: ignore[attr-defined]
        self.most_repeats = 0
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._shapes: dict[str, Shape] = {}

    def shape(self, selections: SelectionSetNode | None) -> Shape:
        """The shape of a selection."""
        if selections is None or not selections.selections:
            return Shape(0, 0)
        names = Counter(_key(node) for node in selections.selections)
        self.most_repeats = max(self.most_repeats, *names.values())
        shapes = [self._node(node) for node in selections.selections]
        return Shape(max(s.depth for s in shapes), sum(s.aliases for s in shapes))

    def _node(self, node: SelectionNode) -> Shape:
        self.most_directives = max(self.most_directives, len(node.directives or ()))
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        inner = self.shape(getattr(node, "selection_set", None))
        if not isinstance(node, FieldNode):
            return inner
        depth = inner.depth + 1 if node.selection_set and node.name.value not in INTROSPECTION else 0
        return Shape(depth, inner.aliases + (node.alias is not None))

    def _fragment(self, name: str) -> Shape:
        if name not in self._shapes:
            # A fragment inside itself counts as nothing here; validation refuses it.
            self._shapes[name] = Shape(0, 0)
            fragment = self._fragments.get(name)
            self._shapes[name] = self.shape(fragment.selection_set if fragment else None)
        return self._shapes[name]


def _key(node: SelectionNode) -> str:
    """What makes two entries of a selection the same."""
    if isinstance(node, FieldNode):
        return node.alias.value if node.alias else node.name.value
    if isinstance(node, FragmentSpreadNode):
        return f"...{node.name.value}"
    condition = getattr(node, "type_condition", None)
    return f"... on {condition.name.value}" if condition else "..."
