"""PostgreSQL and Valkey for one-command runs, shared by every process on the same data folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from runtime.children import INSIST_SECONDS, POLL_SECONDS, STOP_SECONDS, ServerError, environment, tail
from runtime.embedded_folder import Folder
from runtime.embedded_postgres import database_url
from runtime.embedded_valkey import redis_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LEAVE_SECONDS: Final = STOP_SECONDS + 3 * INSIST_SECONDS
MAX_ATTEMPTS: Final = 3
BACKLOG_CONNECTIONS: Final = 64
_CHECKOUT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers answer."""

    database_url: str
    redis_url: str


@contextmanager
def embedded(
    data_dir: Path, progress: Callable[[str], None], *, postgres_options: Mapping[str, str] | None = None
) -> Iterator[Servers]:
    """Have the servers of a data folder for the length of the block: started if need be, shared, restarted if they die.

    The last process to leave stops them. `progress` gets lines, later ones from another thread; `postgres_options`
    override settings when this call starts the servers. ServerError when they cannot run.
    """
    folder = Folder(data_dir.resolve())
    lease = Lease(folder, dict(postgres_options or {}), progress)
    try:
        lease.open()
        yield Servers(database_url(folder), redis_url(folder))
    finally:
        lease.close()


class Lease:
    """This process's place among the users of a folder's servers: a connection to their supervisor."""

    def __init__(self, folder: Folder, options: dict[str, str], progress: Callable[[str], None]) -> None:
        self._folder = folder
        self._options = options
        self._progress = progress
        self._connection = socket.socket(socket.AF_UNIX)
        self._lines: IO[bytes] = BytesIO()
        self._follower = threading.Thread(target=self._follow, name="embedded-servers", daemon=True)
        self._leaving = False

    def open(self) -> None:
        """Have the servers running. ServerError when they cannot."""
        try:
            self._join()
        except OSError as fault:
            place = self._folder.data_dir
            raise ServerError(f"Cannot use the folder {place}: {fault}. Choose another COFFER_DATA_DIR.") from fault
        self._follower.start()

    def close(self) -> None:
        """Leave; when nobody else is there, the servers have stopped once this returns."""
        self._leaving = True
        self._leave()
        if self._follower.ident is None:
            self._follower.start()
        self._follower.join(LEAVE_SECONDS)
        self._lines.close()
        self._connection.close()

    def _leave(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def _follow(self) -> None:
        """Pass on what the supervisor says; when it was killed, find or start another."""
        try:
            self._listen()
            while not self._leaving:
                self._progress("The supervisor of the embedded servers ended unexpectedly")
                self._join()
                if self._leaving:
                    self._leave()
                self._listen()
        except (ServerError, OSError) as fault:
            self._progress(f"The embedded servers are gone: {fault}")

    def _join(self) -> None:
        """Connect to the supervisor, starting it when there is none, and wait until the servers are ready."""
        for _ in range(MAX_ATTEMPTS):
            self._connect()
            if self._listen(until="ready"):
                return
        raise ServerError(f"The embedded servers do not start. {tail(self._folder.log('supervisor'))}")

    def _listen(self, until: str | None = None) -> bool:
        """Whether the message `until` came before the end of the connection. ServerError when an error came."""
        with suppress(ConnectionError):
            for line in self._lines:
                ((kind, text),) = json.loads(line).items()
                if kind == "error":
                    raise ServerError(text)
                if kind == "say":
                    self._progress(text)
                if kind == until:
                    return True
        return False

    def _connect(self) -> None:
        deadline = time.monotonic() + LEAVE_SECONDS
        path = self._folder.supervisor_socket
        while True:
            started = start_supervisor(self._folder, self._options)
            self._lines.close()
            self._connection.close()
            self._connection = socket.socket(socket.AF_UNIX)
            try:
                self._connection.connect(str(path))
            except (FileNotFoundError, ConnectionRefusedError):  # another is about to listen, or about to end
                if time.monotonic() > deadline:
                    raise ServerError(f"Nobody answers at {path}, yet {self._folder.lock} is held.") from None
                time.sleep(POLL_SECONDS)
            else:
                break
        self._lines = self._connection.makefile("rb")
        if not started:
            self._progress(f"Joining PostgreSQL and Valkey of {self._folder.data_dir}, which another process started")


def start_supervisor(folder: Folder, options: dict[str, str]) -> bool:
    """Start the supervisor with the folder's lock and a listening socket in hand; False when there is one."""
    folder.data_dir.mkdir(parents=True, exist_ok=True)
    with folder.lock.open("ab") as lock, socket.socket(socket.AF_UNIX) as listening:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        folder.hand_over(folder.lock, 0o600)
        folder.make_sockets()
        folder.supervisor_socket.unlink(missing_ok=True)
        listening.bind(str(folder.supervisor_socket))
        listening.listen(BACKLOG_CONNECTIONS)
        _spawn(folder, options, (lock.fileno(), listening.fileno()))
        return True


def _spawn(folder: Folder, options: dict[str, str], descriptors: tuple[int, int]) -> None:
    """In its own session, so that Ctrl-C in a terminal reaches the servers only through our orderly leaving."""
    words = [str(folder.data_dir), json.dumps(options), *map(str, descriptors)]
    path = folder.log("supervisor")
    folder.make_log("supervisor")
    with path.open("ab") as log:
        done = subprocess.run(  # noqa: S603 - our own program, which forks and goes on by itself
            [sys.executable, "-m", "runtime.embedded_supervisor", *words],
            check=False,
            pass_fds=descriptors,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment() | {"PYTHONPATH": os.pathsep.join([str(_CHECKOUT), *sys.path[1:]])},
        )
    if done.returncode != 0:
        raise ServerError(f"The supervisor of the embedded servers did not start. {tail(path)}")
