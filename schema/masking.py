"""Top-level errors: each has a code, and a fault of ours says nothing but its request id."""

import structlog
from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from domain.errors import AccessDenied, DomainError

_log = structlog.get_logger()


class CodedErrors(MaskErrors):
    """Gives every error its code in `extensions` and masks what is not meant for callers."""

    def __init__(self) -> None:
        super().__init__()

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as the caller may see it."""
        original = error.original_error
        if isinstance(original, AccessDenied):
            return _coded(error, original.message, original.code)
        if isinstance(original, DomainError):
            return _coded(error, original.message, original.code.value)
        if original is None or isinstance(original, GraphQLError):
            return _coded(error, error.message, "BAD_USER_INPUT" if error.path else "INVALID_DOCUMENT")
        return self._masked(error)

    def _masked(self, error: GraphQLError) -> GraphQLError:
        request_id = self.execution_context.context.request_id
        _log.error("graphql.fault", request_id=request_id, path=error.path, exc_info=error.original_error)
        return _coded(error, f"Internal error; ask about request {request_id}.", "INTERNAL", requestId=request_id)


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
