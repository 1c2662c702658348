"""What stands between a document and its execution: limits, validation, and who may ask for what."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from graphql import GraphQLError

from schema.documents import Document, Documents
from schema.masking import CodedErrors, TookTooLong

_UNREADABLE = "!"
"""Stands in for a text that must not be parsed; the refusal takes the place of its syntax error."""

_documents = Documents()


class Guard(CodedErrors):
    """Reads documents through the cache and refuses what breaks a limit, before anything is executed."""

    def __init__(self) -> None:
        super().__init__()
        self._document: Document | None = None
        self._refusal: GraphQLError | None = None

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache, or parse and check it."""
        execution = self.execution_context
        try:
            known = execution.context.caller is not None
            text = execution.query or ""
            self._document = _documents.read(execution.schema._schema, text, keep=known)  # noqa: SLF001 - graphql-core's own
            execution.graphql_document = self._document.node
        except GraphQLError as refusal:
            self._refusal = refusal
            execution.query = execution.query and _UNREADABLE
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Say what is wrong with the document, or let it through."""
        assert self._document is not None  # noqa: S101 - only what was parsed is validated
        self.execution_context.pre_execution_errors = self._errors(self._document)
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """End what takes too long; a spend that was on its way may still be committed, once."""
        seconds = self.execution_context.context.operation_seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as late:
            message = f"This took longer than {seconds:g} s: send it again, a mutation with the same key."
            raise TookTooLong(message) from late

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it; the reason for a refusal in place of its stand-in."""
        return super().anonymise_error(self._refusal or error)

    def _errors(self, document: Document) -> list[GraphQLError]:
        if document.introspects and self.execution_context.context.caller is None:
            return [refused("UNAUTHENTICATED", "Introspection needs an API key: Authorization: Bearer <key>.")]
        return document.errors


def refused(code: str, message: str, **figures: object) -> GraphQLError:
    """A refusal with a code of its own."""
    return GraphQLError(message, extensions={"code": code, **figures})
