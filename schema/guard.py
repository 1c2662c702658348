"""What stands between a document and its execution: limits, validation, and who may ask for what."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import structlog
from graphql import GraphQLError
from prometheus_client import Counter, Histogram
from strawberry.types.graphql import OperationType

from schema import tracing
from schema.context import Allowance
from schema.documents import Document, Documents
from schema.masking import CALLER_FAULTS, CodedErrors, TookTooLong
from schema.tracing import Finished

_UNREADABLE = "!"
"""Stands in for a text that must not be parsed; the refusal takes the place of its syntax error."""

SLOW_SECONDS = 2.0

_log = structlog.get_logger()
_operations = Counter(
    "coffer_graphql_operations_total", "Operations by what they are and their first error.", ["kind", "code"]
)
_seconds = Histogram("coffer_graphql_operation_seconds", "Time of a query or mutation.", ["kind"])
_points = Histogram("coffer_graphql_operation_points", "Cost of an operation.", buckets=[10.0**n for n in range(6)])

INVALID_DOCUMENT_POINTS = 10
"""What a document costs that is refused: reading it took more time than most that run."""


@cache
def _counter(kind: str, code: str) -> Counter:
    """The counter of these labels: looking them up takes longer than counting."""
    return _operations.labels(kind, code)


@cache
def _timer(kind: str) -> Histogram:
    return _seconds.labels(kind)


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
            self._refusal = (meter and self._answer(meter.owe(INVALID_DOCUMENT_POINTS))) or refusal
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

    def coded(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it; the reason for a refusal in place of its stand-in."""
        return super().coded(self._refusal or error)

    def get_results(self) -> dict[str, Any]:
        """What the operation cost, of how much, and what is left; not with each event of a subscription."""
        if self._document is None or self._points is None:
            return {}
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            return {}
        context = self.execution_context.context
        remaining = context.allowance.remaining_points if context.allowance else None
        return {"cost": {"requested": self._points, "limit": context.limits.cost_points, "remaining": remaining}}

    def _measure(self, seconds: float, code: str) -> None:
        kind = self._kind()
        _counter(kind, code).inc()
        if tracing.is_on():
            self._trace(kind, code, seconds)
        if self._points is not None:
            _points.observe(self._points)
        if kind in {"query", "mutation"} and self._document:
            _timer(kind).observe(seconds)
            if seconds > SLOW_SECONDS:
                figures = {"ms": round(seconds * 1_000), "points": self._points, "code": code}
                name = self.execution_context.operation_name
                _log.warning("graphql.slow", kind=kind, name=name, document=self._document.digest, **figures)

    def _trace(self, kind: str, code: str, seconds: float) -> None:
        execution, document = self.execution_context, self._document
        name = execution.operation_name if kind != "unread" else None
        digest = document.digest if document else None
        tracing.record(Finished(kind, name, digest, self._points, code, seconds, execution.context.traceparent))

    def _kind(self) -> str:
        """Query, mutation or subscription; `unread` for a document that can't be read or lacks the operation."""
        try:
            return self.execution_context.operation_type.value
        except RuntimeError:
            return "unread"

    def _first_code(self) -> str:
        result = self.execution_context.result
        errors = result.errors if result else None
        return str((errors[0].extensions or {}).get("code")) if errors else "OK"

    async def _charge(self, points: int) -> GraphQLError | None:
        """Take the points from the caller's budget; the refusal when it does not have them."""
        context = self.execution_context.context
        self._points = points
        if context.meter is None:
            return None
        return self._answer(await context.meter.take(points))

    def _answer(self, allowance: Allowance) -> GraphQLError | None:
        """The refusal that an allowance means, if any."""
        self.execution_context.context.allowance = allowance
        if allowance.granted:
            return None
        seconds = math.ceil(allowance.wait_seconds)
        message = f"The budget has {allowance.remaining_points} points, and this costs more: wait {seconds} s."
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
