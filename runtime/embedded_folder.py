"""Where the embedded servers of one data folder keep their files, and as whom they run."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from runtime.children import ServerError

LOG_BYTES: Final = 10_000_000
UNPRIVILEGED_USER: Final = "nobody"
SOCKET_FOLDER_BYTES: Final = 107 - len("/.s.PGSQL.5432.lock")
_PLAIN: Final = re.compile(r"[A-Za-z0-9/._-]+")  # what needs no quoting in an address or a PostgreSQL list
_SHORT_PARENT: Final = Path("/tmp")  # noqa: S108 - a fixed place, so that every process finds it; its owner is checked


@dataclass(frozen=True)
class Folder:
    """The files of one data folder, named by its resolved path."""

    data_dir: Path

    @cached_property
    def tag(self) -> str:
        """A short name for this folder, seen in the process list."""
        return f"coffer-{sha256(os.fsencode(self.data_dir)).hexdigest()[:16]}"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder."""
        return self.data_dir / "postgres"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this folder; the kernel gives it back when that dies."""
        return self.data_dir / "servers.lock"

    def log(self, program: str) -> Path:
        """Where a program writes what it has to say."""
        return self.data_dir / f"{program}.log"

    @cached_property
    def sockets(self) -> Path:
        """The folder of the unix sockets, whose paths are limited to 107 bytes."""
        inside = self.data_dir / "sockets"
        short = len(os.fsencode(inside)) <= SOCKET_FOLDER_BYTES and _PLAIN.fullmatch(str(inside))
        return inside if short else _SHORT_PARENT / self.tag

    @property
    def supervisor_socket(self) -> Path:
        """Where the supervisor answers."""
        return self.sockets / "supervisor.sock"

    @cached_property
    def account(self) -> tuple[int, int]:
        """The user and group that the servers run as: PostgreSQL refuses root, so root hands over to the data's owner.

        A new folder of root's goes to `nobody`.
        """
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        if self.cluster.exists() and (owner := self.cluster.stat()).st_uid != 0:
            return owner.st_uid, owner.st_gid
        try:
            nobody = pwd.getpwnam(UNPRIVILEGED_USER)
        except KeyError:
            raise ServerError(f"PostgreSQL cannot run as root and there is no user `{UNPRIVILEGED_USER}`.") from None
        return nobody.pw_uid, nobody.pw_gid

    def make_sockets(self) -> None:
        """Make the folder of the sockets. ServerError when it belongs to somebody else."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        owner = self.sockets.lstat().st_uid
        if self.sockets.is_symlink() or owner not in {os.geteuid(), self.account[0]}:
            raise ServerError(f"{self.sockets} belongs to another user: remove it, or choose another COFFER_DATA_DIR.")
        self.hand_over(self.sockets, 0o700)

    def make_log(self, program: str) -> None:
        """Have a log to append to; one over LOG_BYTES is put aside first, in place of the one before."""
        log = self.log(program)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        log.touch()
        self.hand_over(log, 0o600)

    def hand_over(self, path: Path, mode: int) -> None:
        """Give a file or folder to the servers' account."""
        if path.stat().st_uid != self.account[0]:
            os.chown(path, *self.account)
        path.chmod(mode)
