"""The spans of operations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from runtime.tracing import is_wanted, traced_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Api

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that were sent."""
    exporter = InMemorySpanExporter()
    with traced_by(SimpleSpanProcessor(exporter)):
        yield exporter


async def test_an_operation_is_a_span_of_its_callers_trace(api: Api, spans: InMemorySpanExporter) -> None:
    """A query has its name, hash and cost in a span under the request's traceparent."""
    owner = await api.client()
    request = {"query": "query Mine { project { name } }", "operationName": "Mine"}
    await owner.http.post("/graphql", json=request, headers={"traceparent": PARENT})
    (span,) = spans.get_finished_spans()
    assert span.name == "query Mine"
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, "00f067aa0ba902b7")
    found = dict(span.attributes or {})
    assert len(str(found.pop("graphql.document.hash"))) == len("sha256:") + 64
    assert found == {"graphql.operation.type": "query", "graphql.operation.name": "Mine", "coffer.graphql.cost": 2}


@pytest.mark.parametrize(
    ("query", "code"),
    [("{ project { name } }", "UNAUTHENTICATED"), ("{ x }", "INVALID_DOCUMENT"), ("{", "INVALID_DOCUMENT")],
)
async def test_a_failed_operation_has_its_code(api: Api, spans: InMemorySpanExporter, query: str, code: str) -> None:
    """The span of an operation with an error is an error of that code."""
    await api.anonymous().ask(query)
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, dict(span.attributes or {})["error.type"]) == (StatusCode.ERROR, code)


@pytest.mark.parametrize("parent", ["", "x", "00-0-0-0", "é"])
async def test_a_broken_traceparent_begins_a_trace(api: Api, spans: InMemorySpanExporter, parent: str) -> None:
    """What is no traceparent is as none."""
    request = {"query": "{ __typename }"}
    await api.anonymous().http.post("/graphql", json=request, headers={b"traceparent": parent.encode()})
    (span,) = spans.get_finished_spans()
    assert span.parent is None


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_spans_need_an_endpoint(environment: dict[str, str], *, wanted: bool) -> None:
    """Spans are made when an endpoint is named and nothing switches them off."""
    assert is_wanted(environment) is wanted


def test_a_server_without_spans_does_not_load_the_libraries() -> None:
    """Importing the server imports no exporter and nothing that makes spans; redis-py loads the metrics."""
    parts = ("opentelemetry.exporter", "opentelemetry.sdk.trace", "google.protobuf")
    code = f"import sys, runtime.process; print([name for name in sys.modules if name.startswith({parts})])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
