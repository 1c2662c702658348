"""Child processes that are watched, die with their parent, and are found again when it was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

START_SECONDS: Final = 300.0  # a recovery after a crash reads up to max_wal_size of log
SLOW_START_SECONDS: Final = 3.0
STOP_SECONDS: Final = 30.0
INSIST_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.01
LOG_TAIL_BYTES: Final = 2_000
MAX_RESTARTS: Final = 5
STABLE_SECONDS: Final = 60.0
BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 5.0
STOP_SIGNAL: Final = signal.SIGINT  # PostgreSQL's fast shutdown: clients are cut, everything committed is on disk


class ServerError(Exception):
    """The embedded servers cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Program:
    """What to run and how to tell its state; `is_ours` knows its processes by their words, whoever started them."""

    name: str
    command: list[str]
    log: Path
    is_ready: Callable[[int], bool]
    is_ours: Callable[[list[str]], bool]
    clear: Callable[[], None]


class Child:
    """One program kept running."""

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self._program = program
        self._say = say
        self._process: Process | None = None
        self._started_at = 0.0

    async def start(self) -> None:
        """Start it once nothing of an earlier one is left. ServerError when it ends or START_SECONDS pass first."""
        program = self._program
        await end(lambda: processes(program.is_ours))
        program.clear()
        self._say(f"Starting {program.name} ...")
        self._started_at = time.monotonic()
        with program.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *program.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environment()
            )
        try:
            await self._wait_until_ready(self._process)
        except ServerError:
            await self.stop()
            raise
        self._say(f"{program.name} is ready after {time.monotonic() - self._started_at:.1f} s")

    async def keep(self) -> None:
        """Start it again, with backoff, whenever it ends. ServerError after MAX_RESTARTS in a row."""
        restarts = 0
        while self._process is not None:
            code = await self._process.wait()
            restarts = 1 if time.monotonic() - self._started_at > STABLE_SECONDS else restarts + 1
            if restarts > MAX_RESTARTS:
                raise ServerError(f"{self._program.name} keeps ending. {tail(self._program.log)}")
            self._say(f"{self._program.name} ended unexpectedly ({code})")
            await asyncio.sleep(min(BACKOFF_SECONDS * 2 ** (restarts - 1), MAX_BACKOFF_SECONDS))
            with suppress(ServerError):  # what failed to start counts as ended
                await self.start()

    async def stop(self) -> None:
        """Stop it; within STOP_SECONDS politely, then by force."""
        await end(self._alive)
        await end(lambda: processes(self._program.is_ours))

    def _alive(self) -> list[int]:
        return [self._process.pid] if self._process is not None and self._process.returncode is None else []

    async def _wait_until_ready(self, process: Process) -> None:
        slow_at = self._started_at + SLOW_START_SECONDS
        while not self._program.is_ready(process.pid):
            if process.returncode is not None or time.monotonic() > self._started_at + START_SECONDS:
                raise ServerError(f"{self._program.name} did not start. {tail(self._program.log)}")
            if time.monotonic() > slow_at:
                self._say(f"{self._program.name} is still starting (after a crash it replays its log)")
                slow_at = float("inf")
            await asyncio.sleep(POLL_SECONDS)


async def end(alive: Callable[[], list[int]]) -> None:
    """Signal the processes that `alive` lists until none is left: ask, then insist, then kill."""
    for number, seconds in (
        (STOP_SIGNAL, STOP_SECONDS),
        (signal.SIGQUIT, INSIST_SECONDS),
        (signal.SIGKILL, INSIST_SECONDS),
    ):
        deadline = time.monotonic() + seconds
        for pid in alive():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while alive():
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(POLL_SECONDS)
        else:
            return
    raise ServerError(f"The processes {alive()} cannot be ended: end them, then start again.")


def processes(is_wanted: Callable[[list[str]], bool]) -> list[int]:
    """The living processes of this machine whose words are wanted; none where there is no /proc."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if (words := words_of(path)) and is_wanted(words)]


def words_of(process: Path) -> list[str]:
    """The command line of a process below /proc; empty when it is gone or a zombie."""
    try:
        words = os.fsdecode((process / "cmdline").read_bytes()).rstrip("\0 ")
    except OSError:
        return []
    return words.split("\0") if words else []


def environment() -> dict[str, str]:
    """This process's environment without what would change a server's behaviour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def tail(log: Path) -> str:
    """The end of a log, for an error message."""
    text = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace") if log.exists() else "(it is empty)"
    return f"The end of {log}:\n{text}"
