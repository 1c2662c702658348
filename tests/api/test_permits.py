"""A socket serves its caller for as long as the caller's key or token is good, whatever was asked before."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from domain.permissions import Role
from tests.api.conftest import CREATE_WALLET

if TYPE_CHECKING:
    from runtime.settings import Settings
    from tests.api.client import Stream
    from tests.api.conftest import Api

SECRET = "x" * 32
GOOD_SECONDS = 3
WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { errors { code } } }"
ASK = "{ wallets { nodes { id } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that takes tokens too."""
    return replace(settings, jwt_secret=SECRET)


async def code(stream: Stream) -> str:
    """The code of the next error."""
    while "payload" not in (message := await stream.message()):
        assert message["type"] == "complete"
    payload: Any = message["payload"]
    errors = payload if isinstance(payload, list) else payload["errors"]
    return str(errors[0]["extensions"]["code"])


async def test_the_socket_of_a_revoked_key_serves_no_more(api: Api) -> None:
    """Its stream ends with UNAUTHENTICATED, and so does what is asked on the open socket afterwards."""
    owner, doomed = await api.client(), await api.client(Role.VIEWER)
    wallet = (await owner.run(CREATE_WALLET, owner="permits"))["wallet"]["id"]
    keys = (await owner.run("{ apiKeys { nodes { id role } } }"))["nodes"]
    async with doomed.watch(WATCH, id=wallet) as stream:
        await stream.next()
        await owner.run(REVOKE, id=next(key["id"] for key in keys if key["role"] == "VIEWER"))
        assert await code(stream) == "UNAUTHENTICATED"
        for text in (ASK, f"subscription {{ walletUpdated(walletId: {wallet!r}) {{ sequence }} }}".replace("'", '"')):
            await stream.subscribe("2", text)
            assert await code(stream) == "UNAUTHENTICATED"


async def test_the_socket_of_an_expired_token_serves_no_more(api: Api) -> None:
    """A question after the token's end is refused, on a socket that was opened before."""
    await api.client()
    token = jwt.encode({"project": "test", "role": "viewer", "exp": time.time() + GOOD_SECONDS}, SECRET, "HS256")
    async with api.with_key(token).watch(ASK) as stream:
        assert (await stream.next())["nodes"] == []
        assert (await stream.message())["type"] == "complete"
        await asyncio.sleep(GOOD_SECONDS)
        await stream.subscribe("2", ASK)
        assert await code(stream) == "UNAUTHENTICATED"
