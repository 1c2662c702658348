"""Spans of GraphQL operations for OpenTelemetry, when the standard OTEL_ settings name where to send them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import schema.tracing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import SpanProcessor

SERVICE: Final = "coffer"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the settings name an endpoint and don't switch OpenTelemetry or its traces off."""
    off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return not off and any(environment.get(name) for name in ENDPOINTS)


@contextmanager
def tracing() -> Iterator[None]:
    """Send the spans of operations for the length of the block, if the environment wants it."""
    if not is_wanted(os.environ):
        yield
        return
    # Imported here: a server that sends no spans starts without these libraries.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    with traced_by(BatchSpanProcessor(OTLPSpanExporter())):
        yield


@contextmanager
def traced_by(processor: SpanProcessor) -> Iterator[None]:
    """Give the spans of operations to a processor for the length of the block."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    name = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    schema.tracing.start(provider.get_tracer(SERVICE))
    try:
        yield
    finally:
        schema.tracing.stop()
        provider.shutdown()
