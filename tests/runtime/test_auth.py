"""Keys that are remembered are forgotten when they are revoked, whatever was under way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.permissions import Role
from runtime.auth import Authenticator
from services.keys import issue_key, revoke_key
from tests.builders import owner_of
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.database import Database, Session
    from services.coffer import Coffer


@dataclass
class SlowDatabase:
    """A database that keeps the answer to one read until it is let go."""

    database: Database
    keeps: bool = False
    reads: int = 0
    read: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Read, and return when the test says so."""
        self.reads += 1
        async with self.database.reading() as session:
            yield session
        if self.keeps:
            self.keeps = False
            self.read.set()
            await self.let_go.wait()


async def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(coffer: Coffer) -> None:
    """Its look-up read it before it was revoked and came back after that; the next request is refused."""
    owner = await owner_of(coffer)
    doomed, other = [await issue_key(coffer.database, "test", Role.VIEWER) for _ in range(2)]
    slow = SlowDatabase(coffer.database)
    authenticator = Authenticator(replace(coffer, database=slow), None)  # type: ignore[arg-type]  # it reads alone

    async def is_remembered() -> bool:
        before = slow.reads
        return await authenticator.caller(f"Bearer {other.secret}") is not None and slow.reads == before

    await until(is_remembered)
    slow.keeps = True
    looked_up = asyncio.create_task(authenticator.caller(f"Bearer {doomed.secret}"))
    await slow.read.wait()
    for key in (doomed.key, other.key):
        await revoke_key(coffer, owner, key.uuid)

    async def is_forgotten() -> bool:
        return await authenticator.caller(f"Bearer {other.secret}") is None

    # The news of the first key comes before that of the second.
    await until(is_forgotten)
    slow.let_go.set()
    assert await looked_up is not None
    assert await authenticator.caller(f"Bearer {doomed.secret}") is None
