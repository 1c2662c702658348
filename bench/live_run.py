"""The processes of the live feed's benchmark."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import httpx

from bench.database import fund
from bench.watchers import Ask
from db.database import Database
from domain.permissions import Role
from live import topics
from services.keys import issue_key
from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.embedded_valkey import ValkeyServer

START_TRIES: Final = 2_400

OWN: Final = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence wallet { availableCredits } } }"
SHARED: Final = "subscription { lowBalance { sequence availableCredits } }"


class Process:
    """A process that is measured."""

    def __init__(self, pid: int, port: int = 0) -> None:
        self.pid, self.port = pid, port

    def megabytes(self) -> float:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def gauge(self, name: str) -> float:
        """One of a server's metrics."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            text = (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


class Run:
    """What every part of a run uses."""

    def __init__(self, database_url: str, valkey: ValkeyServer) -> None:
        self.database_url, self.redis_url, self.valkey = database_url, valkey.url, valkey
        self.key = ""
        self.public: dict[int, str] = {}

    async def prepare(self, sockets: int) -> list[int]:
        """Funded wallets, and a key to watch them with."""
        wallets = await fund(self.database_url, sockets)
        database = Database(self.database_url)
        self.key = (await issue_key(database, "bench", Role.OWNER)).secret
        await database.close()
        connection = await asyncpg.connect(self.database_url)
        rows = await connection.fetch("select id, uuid from wallet")
        await connection.close()
        self.public = {row["id"]: f"wal_{UUID(str(row['uuid'])).hex}" for row in rows}
        return wallets

    def shared(self, server: Process, count: int, way: str) -> list[Ask]:
        """Clients of one topic of alerts: executed once for all of them, for each, or passed on by the plain relay."""
        # A comment of its own makes a document of its own.
        texts = [f"{SHARED} # {number}" if way == "executed for each" else SHARED for number in range(count)]
        extensions = {"topic": topics.alerts(1)}
        return [
            Ask(number, server.port, self.key, {"query": text, "extensions": extensions})
            for number, text in enumerate(texts)
        ]

    def own(self, server: Process, wallets: Sequence[int], first: int) -> list[Ask]:
        """A client for each wallet, numbered from `first` on."""
        return [
            Ask(
                number,
                server.port,
                self.key,
                {
                    "query": OWN,
                    "variables": {"id": self.public[wallet]},
                    "extensions": {"topic": topics.wallet(wallet)},
                },
            )
            for number, wallet in enumerate(wallets, first)
        ]


@contextmanager
def server(run: Run) -> Iterator[Process]:
    """A server on the run's databases."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"COFFER_PORT": str(port), "COFFER_DATA_DIR": folder}
        command = [sys.executable, "-m", "bench.live_server", run.database_url, run.redis_url]
        with running(command, environment) as pid:
            answering(port)
            yield Process(pid, port)


def answering(port: int) -> None:
    """Wait until somebody listens on a port."""
    for _ in range(START_TRIES):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return


@contextmanager
def running(command: list[str], environment: dict[str, str] | None = None) -> Iterator[int]:
    """The id of a process that runs for the length of the block."""
    process = subprocess.Popen(command, env=environment)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def plain_relay(run: Run) -> Iterator[Process]:
    """A plain relay of the run's Redis."""
    port = free_port()
    with running([sys.executable, "-m", "bench.plain", str(port), run.redis_url]) as pid:
        answering(port)
        yield Process(pid, port)
