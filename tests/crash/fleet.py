"""Two servers on one data folder, and the ways to kill what runs there."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from runtime.children import MAX_RESTARTS, processes
from runtime.embedded_folder import Folder
from runtime.embedded_postgres import database_url, postgres
from tests.runtime.server import ServerProcess

if TYPE_CHECKING:
    import random
    from pathlib import Path

SERVERS: Final = 2


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

    async def kill(self, target: Target, chance: random.Random) -> None:
        """Kill it at once, and start again what does not start by itself."""
        if target in {Target.SERVER, Target.SERVERS}:
            await self._kill_servers(self.servers if target is Target.SERVERS else [chance.choice(self.servers)])
        else:
            self._restarts += 1
            _kill([self.servers[0].postgres_pid()] if target is Target.POSTMASTER else self._postgres())

    async def _kill_servers(self, servers: list[ServerProcess]) -> None:
        _kill([server.process.pid for server in servers if server.process])
        if len(servers) == SERVERS:
            self._restarts = 0
        await asyncio.gather(*(server.stop(signal.SIGKILL) for server in servers))
        await asyncio.gather(*(server.start() for server in servers))

    def _postgres(self) -> list[int]:
        """Every process of the cluster, the postmaster first so that it cannot tidy up after the others."""
        found = processes(postgres(self._folder, [], {}).is_ours)
        return sorted(found, key=lambda pid: pid != self.servers[0].postgres_pid())


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
