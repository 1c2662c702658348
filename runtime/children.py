"""Child processes that die with this one and, when this one is root, run as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 20.0
LOG_TAIL_BYTES: Final = 2_000
UNPRIVILEGED_USER: Final = "nobody"


class ServerError(Exception):
    """An embedded server did not start; the message has the end of its log."""


def unprivileged(path: Path) -> list[str]:
    """The words before a command so that root's child runs as `nobody` yet can reach `path`, and dies with us.

    PostgreSQL refuses to run as root. The checkout may lie below a folder that only root can enter, so the child keeps
    the one capability that lets it pass through.
    """
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    os.chown(path, user.pw_uid, user.pw_gid)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "INT"]
    capability = ["--inh-caps=+dac_read_search,+dac_override", "--ambient-caps=+dac_read_search,+dac_override"]
    return ["setpriv", *identity, *(() if _open_to_all(path) else capability)]


def _open_to_all(path: Path) -> bool:
    """Whether any user can reach both the folder and this installation."""
    here = [*path.parents, *Path(__file__).resolve().parents, *Path(shutil.__file__).parents]
    return all(folder.stat().st_mode & 0o001 for folder in here)


def spawn(command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so that Ctrl-C reaches it only through our orderly stop."""
    return subprocess.Popen(  # noqa: S603 - our own programs
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
    )


def wait(ready: Callable[[], bool], child: subprocess.Popen[bytes] | None, log: Path, name: str) -> None:
    """Poll until ready; ServerError when the child ends first or START_SECONDS pass."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline or (child is not None and child.poll() is not None):
            raise ServerError(f"{name} did not start. The end of {log}:\n{_tail(log)}")
        time.sleep(POLL_SECONDS)


def stop(child: subprocess.Popen[bytes], ask: signal.Signals) -> None:
    """Ask a child to stop, and insist after STOP_SECONDS."""
    if child.poll() is not None:
        return
    child.send_signal(ask)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGQUIT)
        child.wait(STOP_SECONDS)


def socket_dir(data_dir: Path) -> Path:
    """A short folder for unix sockets, whose paths are limited to 107 bytes; the same for every process of a user."""
    name = sha256(str(data_dir).encode()).hexdigest()[:16]
    path = Path(gettempdir()) / f"coffer-{os.geteuid()}-{name}"
    path.mkdir(mode=0o711, exist_ok=True)
    if path.stat().st_uid not in {os.geteuid(), 65534}:
        raise ServerError(f"{path} belongs to another user: remove it, or set TMPDIR to a folder of your own.")
    return path


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace") if log.exists() else "(no log)"
