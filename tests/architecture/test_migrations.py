"""Migrations and models say the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic import command

from db.migrate import config, upgrade

if TYPE_CHECKING:
    from runtime.embedded import Servers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty_url(servers: Servers) -> str:
    """A database without a table."""

    async def create() -> None:
        connection = await asyncpg.connect(servers.database_url)
        await connection.execute("drop database if exists migrations")
        await connection.execute("create database migrations")
        await connection.close()

    with asyncio.Runner() as runner:
        runner.run(create())
    return servers.database_url.replace("/coffer?", "/migrations?")


def test_migrations_make_what_the_models_say(empty_url: str) -> None:
    """After `upgrade head`, `alembic check` finds nothing to do."""
    upgrade(empty_url)
    command.check(config(empty_url))


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    """Three upgrades of one empty database at the same moment all succeed, and the schema is there."""
    code = "import sys; from db.migrate import upgrade; input(); upgrade(sys.argv[1])"
    words = [sys.executable, "-c", code, empty_url]
    started = [subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(3)]
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.close()
    assert [process.wait(60) for process in started] == [0, 0, 0]
    command.check(config(empty_url))


def test_migrations_go_down_and_up_again(empty_url: str) -> None:
    """A downgrade to nothing and an upgrade bring the same schema."""
    upgrade(empty_url)
    command.downgrade(config(empty_url), "base")
    upgrade(empty_url)
    command.check(config(empty_url))
