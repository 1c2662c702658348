"""One server for what is checked from outside, and the table that `make conformance` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import Api, lasting_api
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers
    from runtime.settings import Settings

CASES = pytest.StashKey[dict[str, dict[str, bool]]]()
TITLES = {
    "test_audits": "GraphQL over HTTP: audits of graphql-http",
    "test_sockets": "graphql-transport-ws: protocol cases",
    "test_event_streams": "GraphQL over SSE: protocol cases",
    "test_clients": "clients that people use",
    "test_scanners": "checks of security scanners",
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Settings of a process on a free port."""
    return settings_for(free_port())


@pytest.fixture(scope="module")
async def api(settings: Settings, servers: Servers, template: str) -> AsyncIterator[Api]:
    """One running server for a whole file."""
    async with lasting_api(settings, servers, template) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - pytest's generator
    """Note each case under its file; one with several inputs passes when all of them do."""
    report = yield
    if report.when == "call" and item.path.stem in TITLES:
        cases = item.config.stash.setdefault(CASES, {}).setdefault(item.path.stem, {})
        for name, passed in dict(report.user_properties).get("cases", {item.name.split("[")[0]: report.passed}).items():
            cases[name] = cases.get(name, True) and passed
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest's reporter
    """Print the table."""
    files = config.stash.get(CASES, {})
    if files:
        terminalreporter.write_sep("=", "conformance")
    for name in (name for name in TITLES if name in files):
        results = files[name].values()
        terminalreporter.write_line(f"{TITLES[name]:<44}{sum(results):>4} of {len(results)}")
