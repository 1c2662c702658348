"""Connections to PostgreSQL: sessions for business acts, with the application's limited rights."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from db.live_reads import LiveReads
from db.migrate import driver_url
from db.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

POOL_CONNECTIONS: Final = 10
POOL_TIMEOUT_SECONDS: Final = 10
STATEMENT_TIMEOUT_MS: Final = 30_000
APPLICATION_ROLE: Final = "coffer_app"

SERVER_SETTINGS: Final = {
    "role": APPLICATION_ROLE,
    "application_name": "coffer",
    "jit": "off",
    "timezone": "UTC",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
}
"""Sent when a connection opens, so RESET ROLE comes back to the application's role and not to the owner's."""


class Session(AsyncSession):
    """One business transaction; what must follow its commit (live messages, waking workers) is registered on it."""

    def after_commit(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run an act when, and only when, the transaction has been committed."""
        self.info.setdefault("after_commit", []).append(act)


class Database:
    """The pool of one PostgreSQL database."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self._engine = create_async_engine(
            driver_url(database_url),
            pool_size=POOL_CONNECTIONS,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            connect_args={"server_settings": SERVER_SETTINGS},
        )
        self.live_reads = LiveReads(self)
        self.recorder = Recorder(self)
        self._sessions = async_sessionmaker(self._engine, class_=Session, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction that commits at the end of the block; then the acts registered on it run."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            for act in session.info.get("after_commit", []):
                await act()

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[Session]:
        """A transaction that is always rolled back: what would happen, through the very code that does it."""
        async with self._sessions() as session:
            yield session
            # What was read stays readable after the rollback.
            session.expunge_all()
            await session.rollback()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """A session for queries."""
        async with self._sessions() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A session whose queries all see the same instant."""
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
