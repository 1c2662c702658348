"""What stands between a document and its execution in Strawberry's chain of extensions."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from schema.admission import INVALID_DOCUMENT_POINTS, admit, answered, cost, first_code, measure, too_late
from schema.documents import OTHER
from schema.masking import CALLER_FAULTS, CodedErrors, TookTooLong
from schema.tracing import Finished

if TYPE_CHECKING:
    from schema.documents import Document, Documents

_UNREADABLE = "!"
"""Stands in for a text that must not be parsed; the refusal takes the place of its syntax error."""


class Guard(CodedErrors):
    """Reads documents through the cache and refuses what breaks a limit, before anything is executed."""

    def __init__(self) -> None:
        super().__init__()
        self._document: Document | None = None
        self._refusal: GraphQLError | None = None
        self._points: int | None = None

    def on_operation(self) -> Iterator[None]:
        """Count and time every operation, and name those that were slow."""
        started, code = time.perf_counter(), None
        try:
            yield from super().on_operation()
        except TookTooLong:
            code = "TIMEOUT"
            raise
        except CALLER_FAULTS:
            code = "INVALID_DOCUMENT"
            raise
        finally:
            self._measure(time.perf_counter() - started, code or self._first_code())

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache, or parse and check it."""
        execution = self.execution_context
        try:
            known = execution.context.caller is not None
            text = execution.query or ""
            documents: Documents = execution.schema.documents  # type: ignore[attr-defined]  # CofferSchema's
            self._document = documents.read(text, keep=known)
            execution.graphql_document = self._document.node
        except GraphQLError as refusal:
            meter = execution.context.meter
            self._refusal = (meter and answered(meter.owe(INVALID_DOCUMENT_POINTS), execution.context)) or refusal
            execution.query = execution.query and _UNREADABLE
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Say what is wrong with the document or its price, or let it through."""
        assert self._document is not None  # noqa: S101 - only what was parsed is validated
        execution = self.execution_context
        operation = (execution.operation_name, execution.variables)
        self._points, errors = await admit(self._document, *operation, execution.context)
        execution.pre_execution_errors = errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """End what takes too long; a spend that was on its way may still be committed, once."""
        seconds = self.execution_context.context.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as late:
            raise too_late(seconds) from late

    def coded(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it; the reason for a refusal in place of its stand-in."""
        return super().coded(self._refusal or error)

    def get_results(self) -> dict[str, Any]:
        """What the operation cost, of how much, and what is left; not with each event of a subscription."""
        if self._document is None or self._kind() in {"subscription", "unread"}:
            return {}
        return cost(self._points, self.execution_context.context)

    def _measure(self, seconds: float, code: str) -> None:
        execution, document, kind = self.execution_context, self._document, self._kind()
        name = execution.operation_name if kind != "unread" else None
        digest, label = (document.digest, document.label) if document else (None, OTHER)
        measure(Finished(kind, name, digest, label, self._points, code, seconds, execution.context.traceparent))

    def _kind(self) -> str:
        """Query, mutation or subscription; `unread` for a document that can't be read or lacks the operation."""
        try:
            return self.execution_context.operation_type.value
        except RuntimeError:
            return "unread"

    def _first_code(self) -> str:
        result = self.execution_context.result
        return first_code(result.errors if result else None)
