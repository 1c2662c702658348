"""Prism between a gateway and a stand-in: it checks both sides' messages against the provider's own description."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
import uvicorn

from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from starlette.types import ASGIApp

    from gateways.calls import Calls

HERE = Path(__file__).parent
PRISM = HERE / "node_modules" / ".bin" / "prism"
START_SECONDS = 60.0
POLL_SECONDS = 0.1


class Client(Protocol):
    """A client of a provider."""

    _calls: Calls

    async def close(self) -> None:
        """Close its connections."""


C = TypeVar("C", bound=Client)

needs_prism = pytest.mark.skipif(not PRISM.exists(), reason="Prism is not installed: `make test-gateways` installs it")


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on loopback; the address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    task = asyncio.create_task(server._serve(None))  # noqa: SLF001 - without its signal handlers
    async with asyncio.timeout(START_SECONDS):
        while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, not an event
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@asynccontextmanager
async def checked(description: str, upstream: str) -> AsyncIterator[str]:
    """Run `prism proxy` before a stand-in; the address to call in its place."""
    port = free_port()
    command = [PRISM, "proxy", "--errors", "-h", "127.0.0.1", "-p", str(port), HERE / "descriptions" / description]
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL, "start_new_session": True}
    process = await asyncio.create_subprocess_exec(*command, upstream, **quiet)  # type: ignore[arg-type]
    try:
        await until_it_answers(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


def violations_of(calls: Calls) -> list[Any]:
    """A list that gets what Prism finds wrong in the requests and answers from now on."""
    found: list[Any] = []

    async def note(answer: httpx.Response) -> None:
        await answer.aread()
        problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        found.extend([text for text in (answer.headers.get("sl-violations"), answer.text if problem else None) if text])

    calls._client.event_hooks["response"].append(note)  # noqa: SLF001 - the test listens on the line
    return found


@asynccontextmanager
async def obeying(client: C) -> AsyncIterator[C]:
    """A client whose every message has to follow the description, and which is closed after that."""
    violations = violations_of(client._calls)  # noqa: SLF001 - the test listens on the line
    yield client
    await client.close()
    assert violations == []


async def until_it_answers(port: int) -> None:
    """Wait until a server on loopback takes connections."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(POLL_SECONDS)
                continue
            writer.close()
            await writer.wait_closed()
            return
