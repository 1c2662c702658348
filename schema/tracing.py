"""One span for each GraphQL operation, by OpenTelemetry's words for GraphQL; nothing at all while nobody wants them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

NANOSECONDS = 1_000_000_000


class Finished(NamedTuple):
    """What spans and metrics say of an operation; `traceparent` is the caller's, by W3C Trace Context."""

    kind: str
    name: str | None
    digest: str | None
    label: str
    points: int | None
    code: str
    seconds: float
    traceparent: str | None


class _State:
    tracer: Tracer | None = None


def start(tracer: Tracer) -> None:
    """Give the spans to a tracer from now on."""
    _State.tracer = tracer


def stop() -> None:
    """Make no more spans."""
    _State.tracer = None


def is_on() -> bool:
    """Whether anybody wants spans."""
    return _State.tracer is not None


def record(operation: Finished) -> None:
    """Write the span of an operation that ended now."""
    if _State.tracer is None:
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - only where spans are wanted
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier = {"traceparent": operation.traceparent} if operation.traceparent else {}
    ended = time.time_ns()
    span = _State.tracer.start_span(
        f"{operation.kind} {operation.name}" if operation.name else operation.kind,
        context=TraceContextTextMapPropagator().extract(carrier),
        kind=SpanKind.SERVER,
        attributes=_attributes(operation),
        start_time=ended - int(operation.seconds * NANOSECONDS),
    )
    if operation.code != "OK":
        span.set_status(Status(StatusCode.ERROR, operation.code))
    span.end(ended)


def _attributes(operation: Finished) -> dict[str, str | int]:
    words = {
        "graphql.operation.type": operation.kind,
        "graphql.operation.name": operation.name,
        "graphql.document.hash": operation.digest and f"sha256:{operation.digest}",
        "coffer.graphql.cost": operation.points,
        "error.type": None if operation.code == "OK" else operation.code,
    }
    return {name: value for name, value in words.items() if value is not None}
