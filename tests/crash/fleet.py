"""Two servers on one data folder, and the ways to kill what runs there."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

import asyncpg

from runtime.children import MAX_RESTARTS, processes
from runtime.embedded_folder import Folder
from runtime.embedded_postgres import database_url, postgres
from tests.runtime.server import ServerProcess

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from pathlib import Path

SERVERS: Final = 2
FREEZE_SECONDS: Final = 0.1


class Target(StrEnum):
    """What a kill hits."""

    POSTMASTER = "PostgreSQL: the postmaster"
    POSTGRES = "PostgreSQL: every process"
    SERVER = "one of the servers"
    SERVERS = "both servers"


class Fleet:
    """The servers; PostgreSQL and Valkey are the embedded ones that they share."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = Folder(data_dir.resolve())
        self._restarts = 0
        self.servers = [ServerProcess(data_dir) for _ in range(SERVERS)]
        self.urls = [server.url for server in self.servers]
        self.database_url = database_url(self._folder)

    async def __aenter__(self) -> Self:
        """Start the servers, writing to a file each."""
        self._folder.data_dir.mkdir(parents=True, exist_ok=True)
        for number, server in enumerate(self.servers, start=1):
            server.log = self._folder.data_dir / f"server-{number}.log"
        try:
            await asyncio.gather(*(server.start() for server in self.servers))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def change(self, settings: Mapping[str, str]) -> None:
        """Change settings of PostgreSQL from now on."""
        connection = await asyncpg.connect(self.database_url)
        for name, value in settings.items():
            await connection.execute(f"alter system set {name} = '{value}'")
        await connection.execute("select pg_reload_conf()")
        await connection.close()

    async def __aexit__(self, *_: object) -> None:
        """Stop them."""
        running = [server for server in self.servers if server.process and server.process.poll() is None]
        await asyncio.gather(*(server.stop() for server in running))

    def draw(self, chance: random.Random, number: int) -> Target:
        """What the number-th kill hits: PostgreSQL and servers in turn.

        The supervisor gives up a PostgreSQL that keeps dying, and forgets its restarts when both servers die.
        """
        if number % 2:
            return chance.choice([Target.POSTMASTER, Target.POSTGRES])
        drawn = chance.choice([Target.SERVER, Target.SERVERS])
        return Target.SERVERS if self._restarts >= MAX_RESTARTS - 1 else drawn

    async def kill(self, target: Target, chance: random.Random, *, frozen: bool) -> None:
        """Kill it at once, and start again what does not start by itself.

        With `frozen` the servers stand still before, long enough for PostgreSQL to commit what they sent last: the kill
        then falls between the commit and its answer.
        """
        everyone = [server.process.pid for server in self.servers if server.process]
        if frozen:
            _signal(everyone, signal.SIGSTOP)
            await asyncio.sleep(FREEZE_SECONDS)
        hit = self._hit(target, chance)
        pids = [server.process.pid for server in hit if server.process] or self._postgres(target)
        _signal(pids, signal.SIGKILL)
        _signal(everyone, signal.SIGCONT)
        self._restarts = 0 if len(hit) == SERVERS else self._restarts + (not hit)
        await asyncio.gather(*(server.stop(signal.SIGKILL) for server in hit))
        await asyncio.gather(*(server.start() for server in hit))

    def _hit(self, target: Target, chance: random.Random) -> list[ServerProcess]:
        if target is Target.SERVERS:
            return self.servers
        return [chance.choice(self.servers)] if target is Target.SERVER else []

    def _postgres(self, target: Target) -> list[int]:
        """The postmaster; then all the others, so that it cannot tidy up after them."""
        postmaster = self.servers[0].postgres_pid()
        others = processes(postgres(self._folder, [], {}).is_ours) if target is Target.POSTGRES else []
        return [postmaster, *(pid for pid in others if pid != postmaster)]


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
