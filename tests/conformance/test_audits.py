"""GraphQL over HTTP, as the audits of the npm package graphql-http ask for it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import Api

HERE = Path(__file__).parent
AUDITS = 61
AUDITS_SECONDS = 60


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node 20")
@pytest.mark.skipif(not (HERE / "node_modules").exists(), reason="`make conformance` installs the audits")
async def test_every_audit_passes(api: Api, record_property: Callable[[str, object], None]) -> None:
    """All 61 audits answer ok."""
    client = await api.client()
    command = ["node", str(HERE / "audits.mjs"), f"{api.url}/graphql", str(client.key)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), AUDITS_SECONDS)
    results = json.loads(output)
    record_property("cases", {result["id"]: result["status"] == "ok" for result in results})
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
