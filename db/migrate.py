"""Brings a database to the newest schema: Alembic's versioned migrations, then the posting engine when it changed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DB: Final = Path(__file__).parent
_ENGINE_FILES: Final = (
    "ledger.sql",
    "ledger_lots.sql",
    "ledger_holds.sql",
    "ledger_moves.sql",
    "ledger_caps.sql",
    "ledger_proof.sql",
    "ledger_spend.sql",
    "ledger_together.sql",
    "ledger_usage.sql",
    "ledger_money.sql",
    "ledger_metrics.sql",
    "ledger_record.sql",
)


def driver_url(database_url: str) -> str:
    """The postgresql:// address of the settings as SQLAlchemy's asyncpg driver wants it."""
    return make_url(database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def config(database_url: str) -> Config:
    """Alembic's configuration for one database; there is no ini file."""
    result = Config()
    result.set_main_option("script_location", str(_DB / "migrations"))
    result.attributes["url"] = driver_url(database_url)
    return result


def upgrade(database_url: str) -> None:
    """Migrate to head and install the engine. Runs its own event loop: call it from a thread inside async code."""
    command.upgrade(config(database_url), "head")


def remove_engine(connection: Connection) -> None:
    """Drop the engine's functions, types and triggers; a migration that changes what they name calls this first."""
    connection.execute(text("drop schema if exists ledger cascade"))


def install_engine(connection: Connection) -> None:
    """Create the engine from its files and note their checksum on its schema."""
    connection.execute(text("create schema ledger"))
    for name in _ENGINE_FILES:
        execute_script(connection, (_DB / name).read_text())
    connection.exec_driver_sql(f"comment on schema ledger is '{engine_checksum()}'")


def execute_script(connection: Connection, script: str) -> None:
    """Run many statements in the open transaction; the driver's prepared statements take one at a time."""
    driver = connection.connection.dbapi_connection
    driver.run_async(lambda raw: raw.execute(script))  # type: ignore[union-attr]


def installed_checksum(connection: Connection) -> str | None:
    """The checksum of the installed engine, or None."""
    query = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'ledger'"
    return connection.execute(text(query)).scalar()


def engine_checksum() -> str:
    """The SHA-256 of the engine's files."""
    return sha256(b"".join((_DB / name).read_bytes() for name in _ENGINE_FILES)).hexdigest()
