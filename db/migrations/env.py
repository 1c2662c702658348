"""Alembic's entry: migrations in one transaction, then the posting engine whenever it is not the newest."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

from alembic import context
from sqlalchemy import func, inspect, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db import models
from db.migrate import engine_checksum, install_engine, installed_checksum, remove_engine
from db.models.base import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Importing a models module is what puts its tables into the metadata.
for module in iter_modules(models.__path__, "db.models."):
    import_module(module.name)

LOCK: Final = 0x436F66666572
"""The advisory lock under which one process migrates while the others that start with it wait."""


def run(connection: Connection) -> None:
    """Migrate over an open connection."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        context.run_migrations()
        if inspect(connection).has_table("wallet") and installed_checksum(connection) != engine_checksum():
            remove_engine(connection)
            install_engine(connection)


async def main() -> None:
    """Open the database that the configuration names."""
    engine = create_async_engine(context.config.attributes["url"], poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(main())
