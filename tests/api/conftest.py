"""A server of each test's own, on a real port."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from domain.permissions import Role
from runtime.process import background, open_coffer
from runtime.serving import make_server
from services.keys import issue_key
from tests.api.client import Client
from tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers
    from runtime.serving import Server
    from runtime.settings import Settings
    from services.coffer import Coffer

CREATE_WALLET = """mutation($owner: String!) {
  createWallet(input: {ownerType: USER, ownerId: $owner}) { wallet { id } } }"""
GRANT = "mutation($input: GrantInput!) { grantCredits(input: $input) { wallet { availableCredits } errors { code } } }"


class Api:
    """A running server and a way to get keys for it."""

    def __init__(self, coffer: Coffer, settings: Settings, server: Server) -> None:
        self.coffer = coffer
        self.server = server
        self.url = settings.public_url
        self.settings = settings
        self._clients: list[Client] = []

    async def client(self, role: Role = Role.OWNER, project: str = "test") -> Client:
        """A caller with a new key."""
        created = await issue_key(self.coffer.database, project, role)
        return self._keep(Client(self.url, created.secret))

    def with_key(self, secret: str) -> Client:
        """A caller with a key that is there."""
        return self._keep(Client(self.url, secret))

    def anonymous(self) -> Client:
        """A caller without a key."""
        return self._keep(Client(self.url, None))

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.http.aclose()

    def _keep(self, client: Client) -> Client:
        self._clients.append(client)
        return client


@asynccontextmanager
async def serving(coffer: Coffer, settings: Settings) -> AsyncIterator[Server]:
    """A running server without a worker."""
    server = make_server(coffer, settings)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve(None))  # noqa: SLF001 - without its signal handlers
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, not an event
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        coffer.hub.end_subscriptions()
        server.should_exit = True
        await task


@asynccontextmanager
async def running_api(coffer: Coffer, settings: Settings) -> AsyncIterator[Api]:
    """A running server with its worker."""
    async with background(coffer, settings), serving(coffer, settings) as server:
        running = Api(coffer, settings, server)
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def lasting_api(settings: Settings, servers: Servers, template: str) -> AsyncIterator[Api]:
    """A running server with its worker for a whole file, whose tests leave nothing behind that another one sees."""
    async with (
        fresh_database(servers, template) as database_url,
        open_coffer(settings, database_url, servers.redis_url) as coffer,
        running_api(coffer, settings) as running,
    ):
        yield running


@pytest.fixture
async def api(coffer: Coffer, settings: Settings) -> AsyncIterator[Api]:
    """A running server with its worker."""
    async with running_api(coffer, settings) as running:
        yield running
