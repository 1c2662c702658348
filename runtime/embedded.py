"""PostgreSQL and Valkey for one-command runs: started as children, shared by every process on the same data folder."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.embedded_postgres import PostgresServer
from runtime.embedded_valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

Progress = "Callable[[str], None]"


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
        yield Servers(postgres.url, valkey.url, owned, postgres, valkey)


def _own(lock: IO[str]) -> bool:
    """Whether this process is the one that runs the servers; the kernel gives the lock back when it dies."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
