"""Migrations and models say the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic import command

from db.migrate import config, upgrade

if TYPE_CHECKING:
    from runtime.embedded import Servers


@pytest.fixture(scope="module")
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


def test_migrations_go_down_and_up_again(empty_url: str) -> None:
    """A downgrade to nothing and an upgrade bring the same schema."""
    upgrade(empty_url)
    command.downgrade(config(empty_url), "base")
    upgrade(empty_url)
    command.check(config(empty_url))
