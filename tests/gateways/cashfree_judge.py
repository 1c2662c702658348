"""Cashfree's own library beside a gateway: it judges both sides' messages in a process of its own environment."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    import httpx

    from gateways.calls import Calls

PROGRAM = Path(__file__).parent / "cashfree_library.py"
ENVIRONMENT = Path(__file__).parents[2] / ".venv" / "cashfree"
ANSWER_SECONDS = 60.0

needs_library = pytest.mark.skipif(
    not (ENVIRONMENT / ".installed").exists(),
    reason="Cashfree's own library is not installed: `make test-gateways` installs it",
)


class Judge:
    """The library's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def faults(self, questions: Iterable[dict[str, Any]]) -> list[str]:
        """What the library finds wrong: `cashfree_library.py` says what may be asked."""
        found: list[str] = []
        assert self._process.stdin
        assert self._process.stdout
        for question in questions:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            found += json.loads(await asyncio.wait_for(self._process.stdout.readline(), ANSWER_SECONDS))
        return found


@asynccontextmanager
async def judging() -> AsyncIterator[Judge]:
    """Run the library."""
    pipe = asyncio.subprocess.PIPE
    python = ENVIRONMENT / "bin" / "python"
    process = await asyncio.create_subprocess_exec(python, "-W", "ignore", PROGRAM, stdin=pipe, stdout=pipe)
    try:
        yield Judge(process)
    finally:
        process.kill()
        await process.communicate()


def calls_of(calls: Calls) -> list[dict[str, Any]]:
    """A list that gets every call from now on with its answer."""
    made: list[dict[str, Any]] = []

    async def note(answer: httpx.Response) -> None:
        content, request = await answer.aread(), answer.request
        made.append(
            {
                "method": request.method,
                "path": request.url.raw_path.decode(),
                "headers": dict(request.headers),
                "body": json.loads(request.content or "null"),
                "status": answer.status_code,
                "answer": json.loads(content or "null"),
            }
        )

    calls._client.event_hooks["response"].append(note)  # noqa: SLF001 - the test listens on the line
    return made
