"""What an operation has to pass before it runs, and what is counted when it ended; one way for every transport."""

import math
from functools import cache
from typing import Any

import structlog
from graphql import GraphQLError
from prometheus_client import Counter, Histogram

from schema import tracing
from schema.context import Allowance, Context
from schema.documents import OTHER, Document
from schema.masking import TookTooLong
from schema.tracing import Finished

SLOW_SECONDS = 2.0

INVALID_DOCUMENT_POINTS = 10
"""What a document costs that is refused: reading it took more time than most that run."""

_log = structlog.get_logger()
_LABELS = ("kind", "operation", "document")
_operations = Counter(
    "coffer_graphql_operations_total", "Operations by what they are and their first error.", [*_LABELS, "code"]
)
_seconds = Histogram("coffer_graphql_operation_seconds", "Time of a query or mutation.", _LABELS)
_points = Histogram(
    "coffer_graphql_operation_points", "Cost of an operation.", _LABELS, buckets=[10.0**n for n in range(6)]
)

# Looking labels up takes longer than counting, so that what was found is kept.
_counter = cache(_operations.labels)
_timer = cache(_seconds.labels)
_price = cache(_points.labels)


async def admit(
    document: Document, operation_name: str | None, variables: dict[str, Any] | None, context: Context
) -> tuple[int | None, list[GraphQLError]]:
    """The points that an operation was charged, and what forbids it: its document, its price or the caller's budget."""
    errors = _errors(document, context)
    if errors:
        refusal = await _charge(INVALID_DOCUMENT_POINTS, context)
        return INVALID_DOCUMENT_POINTS, [refusal] if refusal else errors
    points = document.points(operation_name, variables)
    limit = context.limits.cost_points
    if points > limit:
        message = f"This costs {points} points and may cost {limit}: ask for fewer or smaller lists."
        return None, [refused("COST_EXCEEDED", message, requested=points, limit=limit)]
    refusal = await _charge(points, context)
    return points, [refusal] if refusal else []


def answered(allowance: Allowance, context: Context) -> GraphQLError | None:
    """The refusal that an allowance means, if any; the context keeps it for the answer's headers."""
    context.allowance = allowance
    if allowance.granted:
        return None
    seconds = math.ceil(allowance.wait_seconds)
    message = f"The budget has {allowance.remaining_points} points, and this costs more: wait {seconds} s."
    return refused("RATE_LIMITED", message, retryAfterSeconds=seconds)


def cost(points: int | None, context: Context) -> dict[str, Any]:
    """What the operation cost, of how much, and what is left, for an answer's extensions."""
    if points is None:
        return {}
    remaining = context.allowance.remaining_points if context.allowance else None
    return {"cost": {"requested": points, "limit": context.limits.cost_points, "remaining": remaining}}


def measure(ended: Finished) -> None:
    """Count an operation that ended, trace it where that is wanted, and name it if it was slow."""
    kind = ended.kind
    # What callers name in documents without a label of their own has no limit.
    labels = (kind, (ended.label != OTHER and ended.name) or "", ended.label)
    _counter(*labels, ended.code).inc()
    if tracing.is_on():
        tracing.record(ended)
    if ended.points is not None:
        _price(*labels).observe(ended.points)
    if kind in {"query", "mutation"} and ended.digest:
        _timer(*labels).observe(ended.seconds)
        if ended.seconds > SLOW_SECONDS:
            figures = {"ms": round(ended.seconds * 1_000), "points": ended.points, "code": ended.code}
            _log.warning("graphql.slow", kind=kind, name=ended.name, document=ended.digest, **figures)


def first_code(errors: list[GraphQLError] | None) -> str:
    """What an answer is counted as."""
    return str((errors[0].extensions or {}).get("code")) if errors else "OK"


def too_late(seconds: float) -> TookTooLong:
    """The fault of an operation that ran for longer than it may."""
    return TookTooLong(f"This took longer than {seconds:g} s: send it again, a mutation with the same key.")


def refused(code: str, message: str, **figures: object) -> GraphQLError:
    """A refusal with a code of its own."""
    return GraphQLError(message, extensions={"code": code, **figures})


async def _charge(points: int, context: Context) -> GraphQLError | None:
    """Take points from the caller's budget; the refusal when it does not have them."""
    return None if context.meter is None else answered(await context.meter.take(points), context)


def _errors(document: Document, context: Context) -> list[GraphQLError]:
    if document.introspects and context.caller is None:
        return [refused("UNAUTHENTICATED", "Introspection needs an API key: Authorization: Bearer <key>.")]
    return document.errors
