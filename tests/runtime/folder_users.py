"""Processes that use the embedded servers of a data folder, and a look at what runs there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from runtime.children import processes
from runtime.embedded_folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.embedded import Servers

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
CHECKOUT = Path(__file__).parents[2]
USER = """
import asyncio, select, signal, sys
from pathlib import Path
import asyncpg
from runtime.embedded import embedded

# A job in the background of a shell starts with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def ask(servers):
    connection = await asyncpg.connect(servers.database_url)
    print(await connection.fetchval("select 'answered'"), flush=True)
    await connection.close()

with embedded(Path(sys.argv[1]), lambda line: None) as servers:
    try:
        print("ready", flush=True)
        # A signal that comes just before a wait without an end would be noticed after it.
        while not select.select([sys.stdin], [], [], 0.1)[0]:
            pass
    except KeyboardInterrupt:
        asyncio.run(ask(servers))
print("left", flush=True)
"""


def quiet(_line: str) -> None:
    """A progress nobody reads."""


async def ask(url: str, *statements: str) -> Any:  # noqa: ANN401 - a column of any type
    """The first value of the last statement's first row."""
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def remember(servers: Servers) -> None:
    await ask(servers.database_url, "create table kept (value int)", "insert into kept values (7)")


async def recall(servers: Servers) -> int:
    return int(await ask(servers.database_url, "select sum(value) from kept"))


def until(condition: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the condition gives
    """The first true answer within WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(POLL_SECONDS)
    return answer


async def answering(url: str) -> None:
    """Wait until PostgreSQL answers again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            await ask(url, "select 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            assert time.monotonic() < deadline, "waited too long"
            await asyncio.sleep(POLL_SECONDS)
        else:
            return


def running(data_dir: Path) -> list[int]:
    """Every process of this data folder: servers, their children, the supervisor and its users."""
    marks = (str(data_dir), Folder(data_dir).tag)
    return processes(lambda words: any(mark in word for mark in marks for word in words))


def supervisor(data_dir: Path) -> int:
    (found,) = processes(lambda words: "runtime.embedded_supervisor" in words and str(data_dir) in words)
    return found


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@contextmanager
def user_process(data_dir: Path, *prefix: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the servers, in a process group of its own; it leaves when its input closes."""
    with subprocess.Popen(
        [*prefix, sys.executable, "-c", USER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    ) as process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(WAIT_SECONDS)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
