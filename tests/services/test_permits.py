"""Streams and sockets end with the right of their caller, also when Redis could not tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.errors import AccessDenied
from domain.permissions import Actor, Role
from services.keys import issue_key, revoke_key
from services.permits import while_allowed
from tests.builders import owner_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runtime.embedded_valkey import ValkeyServer
    from services.coffer import Coffer
    from services.keys import CreatedKey


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """The Valkey that is stopped."""
    return valkey.url


async def one_and_no_more() -> AsyncGenerator[int, None]:
    yield 1
    await asyncio.Event().wait()


async def stream_of(coffer: Coffer, key: CreatedKey, expires_at: float | None = None) -> AsyncGenerator[int, None]:
    """A stream that has begun."""
    actor = Actor(key.key.project_id, Role.VIEWER, key.key.id)
    stream = while_allowed(coffer, actor, expires_at, one_and_no_more())
    assert await anext(stream) == 1
    return stream


async def code_of_end(stream: AsyncGenerator[int, None]) -> str:
    """The code that ends a stream within 6 s."""
    with pytest.raises(AccessDenied) as ended:
        async with asyncio.timeout(6):
            await anext(stream)
    return ended.value.code


async def test_a_key_revoked_while_redis_is_down_ends_its_streams(coffer: Coffer, valkey: ValkeyServer) -> None:
    """Nobody could be told; when Redis is back the process asks the database, and the other key's stream goes on."""
    owner = await owner_of(coffer)
    doomed, good = [await issue_key(coffer.database, "test", Role.VIEWER) for _ in range(2)]
    ends, stays = await stream_of(coffer, doomed), await stream_of(coffer, good)
    valkey.stop()
    await revoke_key(coffer, owner, doomed.key.uuid)
    valkey.start()
    assert await code_of_end(ends) == "UNAUTHENTICATED"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(stays)


async def test_a_key_that_was_revoked_before_begins_no_stream(coffer: Coffer) -> None:
    """Whoever is still taken for the owner of a revoked key learns it with the first stream."""
    owner, doomed = await owner_of(coffer), await issue_key(coffer.database, "test", Role.VIEWER)
    await revoke_key(coffer, owner, doomed.key.uuid)
    with pytest.raises(AccessDenied):
        await stream_of(coffer, doomed)


async def test_a_stream_ends_with_its_token(coffer: Coffer) -> None:
    """A stream whose token is good for 0.2 s ends then, waiting or not."""
    key = await issue_key(coffer.database, "test", Role.VIEWER)
    stream = await stream_of(coffer, key, coffer.clock().timestamp() + 0.2)
    assert await code_of_end(stream) == "UNAUTHENTICATED"
