"""The whole schema over HTTP, with whatever fits it and with what nearly does."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st
from hypothesis_graphql import Mode, from_schema, nodes
from structlog.testing import capture_logs

from domain.permissions import Role
from runtime.process import open_coffer
from schema.root import schema
from tests.api.conftest import running_api
from tests.conftest import fresh_database
from tests.long import examples

if TYPE_CHECKING:
    from runtime.embedded import Servers
    from runtime.settings import Settings
    from tests.api.conftest import Api

EXAMPLES = examples(50, 5_000)
ODD_NUMBERS = st.integers() | st.sampled_from([-1, 2**53, 2**63 - 1, 2**63, 10**30])
ODD_TEXTS = st.text(max_size=30) | st.sampled_from(["", "\x00", "2026-13-01", "0001-01-01T00:00:00Z"])
NUMBERS = st.integers(0, 2**53 - 1) | st.sampled_from([0, 1, 2**31, 2**53 - 1])
TIMES = st.datetimes().map(lambda at: f"{at.isoformat()}Z")
FITTING: Any = {
    "BigInt": NUMBERS.map(nodes.Int),
    "Credits": NUMBERS.map(nodes.Int),
    "Date": st.dates().map(str).map(nodes.String),
    "DateTime": TIMES.map(nodes.String),
    "JSON": ODD_TEXTS.map(nodes.String) | ODD_NUMBERS.map(nodes.Int),
}
ODD: Any = FITTING | {
    "BigInt": ODD_NUMBERS.map(nodes.Int),
    "Credits": ODD_NUMBERS.map(nodes.Int),
    "Date": ODD_TEXTS.map(nodes.String),
    "DateTime": ODD_TEXTS.map(nodes.String),
}
SDL = schema.as_str()
TEXT: Any = st.one_of(
    from_schema(SDL, custom_scalars=FITTING),
    from_schema(SDL, custom_scalars=ODD),
    from_schema(SDL, custom_scalars=FITTING, mode=Mode.NEGATIVE),
)


async def fault_of(api: Api, owner: Any, text: str) -> str | None:  # noqa: ANN401 - a client
    """What is wrong with the answer to a document, if anything."""
    response = await owner.http.post("/graphql", json={"query": text, "variables": {}})
    if response.status_code >= 500:
        return f"{response.status_code}: {response.text}"
    codes = {(error.get("extensions") or {}).get("code") for error in response.json().get("errors") or ()}
    return f"{codes}: {response.text}" if codes & {None, "INTERNAL"} else None


@pytest.mark.timeout(120 + EXAMPLES)
async def test_no_document_makes_a_fault(
    servers: Servers, template: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """No valid or broken operation gives a 500, INTERNAL, an error without a code, or a traceback in the log."""
    async with (
        fresh_database(servers, template) as url,
        open_coffer(settings, url, servers.redis_url) as coffer,
        running_api(coffer, settings) as api,
    ):
        logging.getLogger("uvicorn.error").addHandler(caplog.handler)
        owner = await api.client(Role.OWNER)

        loop = asyncio.get_running_loop()

        @search(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
        @given(text=TEXT)
        def explore(text: str) -> None:
            assert asyncio.run_coroutine_threadsafe(fault_of(api, owner, text), loop).result(60) is None

        # Hypothesis is synchronous, so its examples run on this loop from a thread.
        with capture_logs() as logs:
            await asyncio.to_thread(explore)
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
