"""The embedded servers: started, shared, killed in every way, and back with all data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from runtime import children
from runtime.children import Child, Program, ServerError, processes
from runtime.embedded import embedded
from runtime.embedded_folder import Folder
from runtime.embedded_postgres import database_url
from runtime.embedded_valkey import valkey
from tests.runtime.folder_users import (
    WAIT_SECONDS,
    answering,
    ask,
    owner_of,
    postmaster,
    quiet,
    recall,
    remember,
    running,
    said,
    supervisor,
    until,
    user_process,
)

if TYPE_CHECKING:
    from runtime.embedded import Servers

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root meets this")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a database in it, as the first start makes it."""
    data_dir = tmp_path_factory.mktemp("made")
    with embedded(data_dir, quiet):
        return data_dir


@pytest.fixture
def data_dir(tmp_path: Path, made: Path) -> Path:
    """A copy of that folder: making a database takes longer than most of what is tested with one."""
    subprocess.run(["cp", "-a", made / "postgres", tmp_path], check=True)
    return tmp_path


async def test_both_servers_answer(tmp_path: Path) -> None:
    """A fresh folder gives a PostgreSQL that keeps commits, speaks UTC and listens on no port, and a Valkey."""
    with embedded(tmp_path, quiet) as servers:
        settings = "select string_agg(current_setting(name), ' ' order by name) from unnest(array"
        names = "['fsync', 'jit', 'listen_addresses', 'synchronous_commit', 'timezone', 'data_checksums']) name"
        assert await ask(servers.database_url, settings + names) == "on on off  on UTC"
        async with Redis.from_url(servers.redis_url) as redis:
            assert await redis.ping()


async def test_data_is_kept_and_nothing_runs_on(data_dir: Path) -> None:
    """After the block no process is left, and the next start has the data."""
    with embedded(data_dir, quiet) as servers:
        await remember(servers)
    assert running(data_dir) == []
    with embedded(data_dir, quiet) as servers:
        assert await recall(servers) == 7


async def test_one_who_joins_and_leaves_stops_nothing(data_dir: Path) -> None:
    """The servers of one process serve another, and go on when that one leaves."""
    with embedded(data_dir, quiet) as servers:
        before = postmaster(data_dir)
        with user_process(data_dir) as other:
            assert said(other) == "ready"
        assert await ask(servers.database_url, "select 1") == 1
        assert postmaster(data_dir) == before


async def test_one_who_joined_outlives_the_starter(data_dir: Path) -> None:
    """The servers stay up for the process that joined, without a restart, when the one that started them leaves."""
    with user_process(data_dir) as starter:
        assert said(starter) == "ready"
        before = postmaster(data_dir)
        with embedded(data_dir, quiet) as servers:
            os.killpg(starter.pid, signal.SIGKILL)
            starter.wait(WAIT_SECONDS)
            assert await ask(servers.database_url, "select 1") == 1
            assert postmaster(data_dir) == before


def test_three_at_once_share_one_pair(tmp_path: Path) -> None:
    """Processes that start together on a fresh folder all get the same servers, and the last to leave ends them."""
    with user_process(tmp_path) as first, user_process(tmp_path) as second, user_process(tmp_path) as third:
        assert [said(first), said(second), said(third)] == ["ready"] * 3
        # A process that has just begun is called as the one that made it, until it takes a name of its own.
        until(lambda: len(processes(lambda words: f"cluster_name={Folder(tmp_path).tag}" in words)) == 1)
    assert running(tmp_path) == []


async def test_killed_user_leaves_nothing_behind(data_dir: Path) -> None:
    """A kill -9 of the only user: the servers end by themselves, and the next start has the data."""
    with user_process(data_dir) as owner:
        assert said(owner) == "ready"
        await ask(database_url(Folder(data_dir)), "create table kept as select 7 as value")
        os.killpg(owner.pid, signal.SIGKILL)
        owner.wait(WAIT_SECONDS)
    until(lambda: not running(data_dir))
    with embedded(data_dir, quiet) as servers:
        assert await recall(servers) == 7


async def test_everything_killed_at_once(data_dir: Path) -> None:
    """A kill -9 of user, supervisor and every server process, as in a power cut: the next start recovers the data."""
    with user_process(data_dir) as owner:
        assert said(owner) == "ready"
        await ask(database_url(Folder(data_dir)), "create table kept as select 7 as value")
        for pid in running(data_dir):
            with suppress(ProcessLookupError):  # some die of the death of those before them
                os.kill(pid, signal.SIGKILL)
        owner.wait(WAIT_SECONDS)
    with embedded(data_dir, quiet) as servers:
        assert await recall(servers) == 7


async def test_killed_postgres_is_restarted(data_dir: Path) -> None:
    """A kill -9 of PostgreSQL alone: it comes back by itself with every commit, and says so."""
    lines: list[str] = []
    with embedded(data_dir, lines.append) as servers:
        await remember(servers)
        os.kill(postmaster(data_dir), signal.SIGKILL)
        await answering(servers.database_url)
        assert await recall(servers) == 7
        until(lambda: "PostgreSQL 18 ended unexpectedly (-9)" in lines)


async def test_killed_valkey_is_restarted(data_dir: Path) -> None:
    """A kill -9 of Valkey alone: another one answers at the same address."""
    program = valkey(Folder(data_dir), [])
    with embedded(data_dir, quiet) as servers:
        (before,) = processes(program.is_ours)
        os.kill(before, signal.SIGKILL)
        until(lambda: before not in processes(program.is_ours) and program.is_ready(0))
        async with Redis.from_url(servers.redis_url) as redis:
            assert await redis.ping()


async def test_killed_supervisor_is_replaced(data_dir: Path) -> None:
    """A kill -9 of the supervisor: its servers end, and a user of theirs starts new ones with the same data."""
    with embedded(data_dir, quiet) as servers:
        await remember(servers)
        killed = supervisor(data_dir)
        before = postmaster(data_dir)
        os.kill(killed, signal.SIGKILL)
        until(lambda: before not in running(data_dir))
        await answering(servers.database_url)
        assert await recall(servers) == 7
    assert running(data_dir) == []


async def test_reused_process_number_does_not_block(data_dir: Path, servers: Servers) -> None:
    """A stale pid file is no obstacle when its number now belongs to another PostgreSQL of the same user."""
    with embedded(data_dir, quiet) as first:
        await remember(first)
    other = await ask(servers.database_url, "select split_part(pg_read_file('postmaster.pid'), chr(10), 1)")
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{other}\n{data_dir / 'postgres'}\n0\n5432\n{data_dir}\n\n0 0\nready\n")
    Folder(data_dir).hand_over(pid_file, 0o600)
    with embedded(data_dir, quiet) as again:
        assert await recall(again) == 7


async def test_long_and_odd_folder_names(tmp_path: Path) -> None:
    """A data folder whose path is too long for a socket, with spaces, commas and letters beyond ASCII, works."""
    data_dir = tmp_path / "ein Ordner, größer als 107 bytes" / ("x" * 120)
    with embedded(data_dir, quiet) as servers:
        assert await ask(servers.database_url, "select 1") == 1
        async with Redis.from_url(servers.redis_url) as redis:
            assert await redis.ping()
    assert not Folder(data_dir).sockets.exists()


@AS_ROOT
async def test_below_a_folder_that_only_root_enters(tmp_path: Path) -> None:
    """Root's servers run as another user and still reach data below a folder with mode 0700."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded(closed / "data", quiet) as servers:
        assert await ask(servers.database_url, "select 1") == 1
        assert owner_of(postmaster(closed / "data")) != 0


@AS_ROOT
def test_an_ordinary_user_needs_no_root() -> None:
    """A process without root's rights over files starts servers of its own."""
    nobody = Folder(Path("/nowhere")).account
    data_dir = Path(mkdtemp(prefix="coffer-test-"))
    try:
        os.chown(data_dir, *nobody)
        drop = ["setpriv", f"--reuid={nobody[0]}", f"--regid={nobody[1]}", "--clear-groups"]
        read = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # to reach this Python
        with user_process(data_dir, *drop, *read) as user:
            assert said(user) == "ready"
    finally:
        shutil.rmtree(data_dir)


def test_ctrl_c_leaves_the_servers_to_an_orderly_stop(data_dir: Path) -> None:
    """SIGINT to the terminal's process group ends the program, which can still use the servers while it closes."""
    with user_process(data_dir) as user:
        assert said(user) == "ready"
        os.killpg(user.pid, signal.SIGINT)
        assert [said(user), said(user)] == ["answered", "left"]
    assert running(data_dir) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The error has the end of the server's log, and nothing is left running."""
    with (
        pytest.raises(ServerError, match='invalid value for parameter "shared_buffers"'),
        embedded(tmp_path, quiet, postgres_options={"shared_buffers": "much"}),
    ):
        pass
    assert running(tmp_path) == []


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    """A data folder that is a file gives an error that names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="COFFER_DATA_DIR"), embedded(tmp_path / "file", quiet):
        pass


async def test_restarts_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends again and again is given up, with the end of its log."""
    monkeypatch.setattr(children, "BACKOFF_SECONDS", 0.0)
    lines: list[str] = []
    program = Program(
        name="A program",
        command=["sh", "-c", "echo it fell"],
        log=tmp_path / "log",
        is_ready=lambda _pid: True,
        is_ours=lambda _words: False,
        clear=lambda: None,
    )
    child = Child(program, lines.append)
    await child.start()
    with pytest.raises(ServerError, match=r"keeps ending(.|\n)*it fell"):
        await child.keep()
    assert lines.count("A program ended unexpectedly (0)") == children.MAX_RESTARTS
