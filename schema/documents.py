"""Documents: parsed and checked within limits, and remembered by their text."""

from collections import OrderedDict
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.cost import Price
from schema.limits import MAX_DOCUMENT_CHARACTERS, MAX_TOKENS, broken_limits, introspects
from schema.plans import Plan, plan_of
from schema.trusted import UNKNOWN_DOCUMENT, TrustedDocuments, digest_of

MAX_KEPT_CHARACTERS = 8 * 1024
"""A document is remembered up to this length."""

MAX_ALL_CHARACTERS = 512 * 1024
"""What all remembered documents have together: about a thousand usual ones. A tree takes some 125 bytes a character."""

MAX_LABELLED_DOCUMENTS = 100
"""Documents of callers that have a label of their own in metrics; each label is some forty series."""

OTHER = "other"
"""The label in metrics of every other document."""

LABEL_DIGITS = 12
"""Of a document's SHA-256 in hex, as metrics name it."""

MAX_ERRORS = 5
"""Validation stops there: a document made of mistakes is not worth the time to list them."""

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


class Document:
    """A parsed document and what is wrong with it, found once.

    `digest` is the SHA-256 of its text, for logs; `label` is what metrics call it.
    """

    def __init__(self, schema: GraphQLSchema, text: str) -> None:
        self.node = node = parse_limited(text)
        self.digest = digest_of(text)
        self.label = OTHER
        self.introspects = introspects(node)
        self.errors = broken_limits(node) or _validate(schema, node)
        self._schema = schema
        self._prices: dict[str | None, Price] = {}
        self._plans: dict[str | None, Plan | None] = {}
        self.operations = {} if self.errors else _operations(node)

    def subscription(self, operation_name: str | None) -> str | None:
        """The field that an operation subscribes to; None for anything else, and for one behind a fragment."""
        operation = get_operation_ast(self.node, operation_name)
        if operation is None or operation.operation is not OperationType.SUBSCRIPTION:
            return None
        field = operation.selection_set.selections[0]
        return field.name.value if isinstance(field, FieldNode) else None

    def points(self, operation_name: str | None, variables: dict[str, Any] | None) -> int:
        """What an operation of a valid document costs."""
        if operation_name not in self._prices:
            operation = get_operation_ast(self.node, operation_name) or get_operation_ast(self.node)
            assert operation is not None  # noqa: S101 - its type was read before
            self._prices[operation_name] = Price(self._schema, self.node, operation)
        return self._prices[operation_name].points(variables)

    def plan(self, operation_name: str | None) -> Plan | None:
        """How an operation of a valid document is run the short way, if there is one."""
        if operation_name not in self._plans:
            self._plans[operation_name] = plan_of(self._schema, self.node, operation_name)
        return self._plans[operation_name]


def _operations(node: DocumentNode) -> dict[str | None, OperationDefinitionNode]:
    """The operations of a document by their names; the only one needs none."""
    found = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    named: dict[str | None, OperationDefinitionNode] = {each.name.value: each for each in found if each.name}
    return named | ({None: found[0]} if len(found) == 1 else {})


def _validate(schema: GraphQLSchema, node: DocumentNode) -> list[GraphQLError]:
    return validate(schema, node, _RULES, max_errors=MAX_ERRORS, hide_suggestions=True)


class Documents:
    """The documents of a schema by their text; the least recently used ones make room."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.trusted = TrustedDocuments()
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self._labelled: set[str] = set()

    def trust(self, trusted: TrustedDocuments) -> None:
        """Take another registry, and forget what was let through without it."""
        self.trusted = trusted
        self._known.clear()
        self._characters = 0

    def read(self, text: str, *, keep: bool) -> Document:
        """The document of a text. GraphQLError when it is too long, too deep, no GraphQL or not trusted."""
        found = self._known.get(text)
        if found is not None:
            self._known.move_to_end(text)
            return found
        if text == UNKNOWN_DOCUMENT:
            raise _refused("DOCUMENT_NOT_FOUND", "No document of that id is registered: python main.py documents add.")
        trusted = self.trusted.has(digest_of(text))
        if self.trusted.only and not trusted:
            raise _refused("DOCUMENT_NOT_TRUSTED", "Only registered documents run here: send its documentId.")
        document = Document(self._schema, text)
        if trusted or (keep and not document.errors):
            document.label = self._label(document.digest, trusted=trusted)
        if (keep or trusted) and len(text) <= MAX_KEPT_CHARACTERS:
            self._keep(text, document)
        return document

    def _label(self, digest: str, *, trusted: bool) -> str:
        """What metrics call a document: registered ones and the first of callers by their digest."""
        if not trusted and digest not in self._labelled:
            if len(self._labelled) >= MAX_LABELLED_DOCUMENTS:
                return OTHER
            self._labelled.add(digest)
        return digest[:LABEL_DIGITS]

    def known(self, text: str | None) -> Document | None:
        """The document of a text that is remembered."""
        found = self._known.get(text) if text else None
        if found is not None and text is not None:
            self._known.move_to_end(text)
        return found

    def _keep(self, text: str, document: Document) -> None:
        self._known[text] = document
        self._characters += len(text)
        while self._characters > MAX_ALL_CHARACTERS:
            forgotten, _ = self._known.popitem(last=False)
            self._characters -= len(forgotten)

    def subscribes(self, text: str, operation_name: str | None) -> bool:
        """Whether the operation of a text is a subscription; one that can't be read is none."""
        try:
            operation = get_operation_ast(self.read(text, keep=False).node, operation_name)
        except GraphQLError:
            return False
        return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def _refused(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def parse_limited(text: str) -> DocumentNode:
    """The tree of a text. GraphQLError when it is too long, too deep or no GraphQL."""
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        message = f"A document may have {MAX_DOCUMENT_CHARACTERS} characters: send values as variables."
        raise GraphQLError(message)
    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except RecursionError as fault:
        raise GraphQLError("The document nests too deep to be read.") from fault
