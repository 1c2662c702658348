"""PostgreSQL and Valkey for one-command runs: started as children, shared by every process on the same data folder."""

from __future__ import annotations

import fcntl
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.embedded_postgres import PostgresServer
from runtime.embedded_valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

WATCH_SECONDS: Final = 0.2
RESTARTS: Final = 20
"""Over the life of the process; a server that dies more often has a fault that starting it again does not mend."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers answer, and whether this process started them."""

    database_url: str
    redis_url: str
    owned: bool
    postgres: PostgresServer
    valkey: ValkeyServer


@contextmanager
def embedded(data_dir: Path, progress: Callable[[str], None]) -> Iterator[Servers]:
    """Run the servers of a data folder for the length of the block; or use those that another process runs there."""
    data_dir.mkdir(parents=True, exist_ok=True)
    postgres, valkey = PostgresServer(data_dir), ValkeyServer(data_dir)
    with ExitStack() as stack:
        lock = stack.enter_context((data_dir / "servers.lock").open("w"))
        owned = _own(lock)
        if owned:
            progress("Starting PostgreSQL 18 ...")
            stack.callback(postgres.stop)
            postgres.start()
            progress("Starting Valkey ...")
            stack.callback(valkey.stop)
            valkey.start()
        else:
            postgres.wait_until_ready()
            valkey.wait_until_ready()
        if owned:
            stack.enter_context(_kept_alive([postgres, valkey], progress))
        yield Servers(postgres.url, valkey.url, owned, postgres, valkey)


@contextmanager
def _kept_alive(servers: list[PostgresServer | ValkeyServer], progress: Callable[[str], None]) -> Iterator[None]:
    """Start a server again when it dies under us, up to RESTARTS times; it recovers by itself."""
    stopped = threading.Event()

    def keep() -> None:
        left = RESTARTS
        while not stopped.wait(WATCH_SECONDS):
            for server in servers:
                if not server.is_running() and left and not stopped.is_set():
                    left -= 1
                    progress(f"{server.name} died; starting it again ...")
                    server.start()

    keeper = threading.Thread(target=keep, name="embedded servers", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopped.set()
        keeper.join()


def _own(lock: IO[str]) -> bool:
    """Whether this process is the one that runs the servers; the kernel gives the lock back when it dies."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
