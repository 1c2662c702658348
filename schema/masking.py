"""Top-level errors: each has a code, and a fault of ours says nothing but its request id."""

import re
from collections.abc import Iterator
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import StreamExecutionResult

from db.outages import is_outage
from domain.errors import AccessDenied, DomainError
from live.hub import SlowReader

CALLER_FAULTS = (GraphQLError, MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)

SLOW_READER = GraphQLError(
    "Events came faster than this connection took them: subscribe again, and list what was missed.",
    extensions={"code": "TOO_SLOW"},
)

_SUGGESTION = re.compile(r" Did you mean .+\?$")
"""What GraphQL says of a wrong variable names what would be right; the schema is for those who have a key."""

_log = structlog.get_logger()


class TookTooLong(Exception):
    """The operation ran for longer than it may."""


class CodedErrors(SchemaExtension):
    """Gives every error its code in `extensions` and masks what is not meant for callers."""

    def __init__(self) -> None:
        super().__init__()
        self._streamed = False

    def on_operation(self) -> Iterator[None]:
        """Code the errors of an answer; those of a stream were coded one by one."""
        yield
        if not self._streamed:
            self._code(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Code the errors of one event."""
        self._streamed = True
        self._code(result)
        yield

    def _code(self, result: Any) -> None:  # noqa: ANN401 - a result of graphql-core, of Strawberry, or None
        if result is not None and result.errors:
            result.errors = [self.coded(error) for error in result.errors]

    def coded(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it."""
        return masked(error, self.execution_context.context.request_id)


def masked(error: GraphQLError, request_id: str) -> GraphQLError:
    """An error with its code; a fault of ours is logged under its request id, which is all that it says."""
    original = error.original_error
    if isinstance(original, SlowReader) or (original is None and error.extensions):
        return error if original is None else SLOW_READER
    if isinstance(original, AccessDenied):
        return _coded(error, original.message, original.code)
    if isinstance(original, DomainError):
        return _coded(error, original.message, original.code.value)
    if original is None or (isinstance(original, CALLER_FAULTS) and not _is_of_an_answer(error)):
        message = _SUGGESTION.sub("", error.message)
        return _coded(error, message, "BAD_USER_INPUT" if error.path else "INVALID_DOCUMENT")
    if isinstance(original, TookTooLong):
        return _coded(error, str(original), "TIMEOUT")
    return _fault(error, request_id)


def _fault(error: GraphQLError, request_id: str) -> GraphQLError:
    """A fault that is nobody's input: the log has it whole, the caller what to do."""
    _log.error("graphql.fault", request_id=request_id, path=error.path, exc_info=error.original_error)
    if error.original_error and is_outage(error.original_error):
        return _coded(error, "The database is away: send the same request, with the same key, in a moment.", "BUSY")
    return _coded(error, f"Internal error; ask about request {request_id}.", "INTERNAL", requestId=request_id)


def _is_of_an_answer(error: GraphQLError) -> bool:
    """Whether GraphQL could not write a value of ours: what a caller wrote it finds before, or by its place."""
    original = error.original_error
    return bool(error.path) and isinstance(original, GraphQLError) and not (original.nodes or original.extensions)


def _coded(error: GraphQLError, message: str, code: str, **more: str) -> GraphQLError:
    extensions = {"code": code, **more}
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
