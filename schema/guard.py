"""What stands between a document and its execution: limits, validation, and who may ask for what."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from schema.documents import Document, Documents
from schema.masking import CodedErrors, TookTooLong

_UNREADABLE = "!"
"""Stands in for a text that must not be parsed; the refusal takes the place of its syntax error."""

INVALID_DOCUMENT_POINTS = 10
"""What a document costs that is refused: reading it took more time than most that run."""

_documents = Documents()


class Guard(CodedErrors):
    """Reads documents through the cache and refuses what breaks a limit, before anything is executed."""

    def __init__(self) -> None:
        super().__init__()
        self._document: Document | None = None
        self._refusal: GraphQLError | None = None
        self._points: int | None = None

    async def on_parse(self) -> AsyncIterator[None]:
        """Take the document from the cache, or parse and check it."""
        execution = self.execution_context
        try:
            known = execution.context.caller is not None
            text = execution.query or ""
            self._document = _documents.read(execution.schema._schema, text, keep=known)  # noqa: SLF001 - graphql-core's own
            execution.graphql_document = self._document.node
        except GraphQLError as refusal:
            self._refusal = await self._charge(INVALID_DOCUMENT_POINTS) or refusal
            execution.query = execution.query and _UNREADABLE
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Say what is wrong with the document or its price, or let it through."""
        assert self._document is not None  # noqa: S101 - only what was parsed is validated
        errors = self._errors(self._document)
        if errors:
            refusal = await self._charge(INVALID_DOCUMENT_POINTS)
        else:
            points = self._document.points(self.execution_context.operation_name, self.execution_context.variables)
            refusal = _too_costly(points, self.execution_context.context.limits.cost_points)
            refusal = refusal or await self._charge(points)
        self.execution_context.pre_execution_errors = [refusal] if refusal else errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """End what takes too long; a spend that was on its way may still be committed, once."""
        seconds = self.execution_context.context.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as late:
            message = f"This took longer than {seconds:g} s: send it again, a mutation with the same key."
            raise TookTooLong(message) from late

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it; the reason for a refusal in place of its stand-in."""
        return super().anonymise_error(self._refusal or error)

    def get_results(self) -> dict[str, Any]:
        """What the operation cost, of how much, and what is left; not with each event of a subscription."""
        if self._document is None or self._points is None:
            return {}
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            return {}
        context = self.execution_context.context
        remaining = context.allowance.remaining_points if context.allowance else None
        return {"cost": {"requested": self._points, "limit": context.limits.cost_points, "remaining": remaining}}

    async def _charge(self, points: int) -> GraphQLError | None:
        """Take the points from the caller's budget; the refusal when it does not have them."""
        context = self.execution_context.context
        self._points = points
        if context.meter is None:
            return None
        context.allowance = allowance = await context.meter.take(points)
        if allowance.granted:
            return None
        seconds = math.ceil(allowance.wait_seconds)
        message = f"This costs {points} points and the budget has {allowance.remaining_points}: wait {seconds} s."
        return refused("RATE_LIMITED", message, retryAfterSeconds=seconds)

    def _errors(self, document: Document) -> list[GraphQLError]:
        if document.introspects and self.execution_context.context.caller is None:
            return [refused("UNAUTHENTICATED", "Introspection needs an API key: Authorization: Bearer <key>.")]
        return document.errors


def refused(code: str, message: str, **figures: object) -> GraphQLError:
    """A refusal with a code of its own."""
    return GraphQLError(message, extensions={"code": code, **figures})


def _too_costly(points: int, limit: int) -> GraphQLError | None:
    if points <= limit:
        return None
    message = f"This costs {points} points and may cost {limit}: ask for fewer or smaller lists."
    return refused("COST_EXCEEDED", message, requested=points, limit=limit)
