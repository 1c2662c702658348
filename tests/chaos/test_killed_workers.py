"""Workers that are killed between what the provider did and the record of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.reconcile import reconcile
from domain.pages import Page
from domain.purchases import PaymentMethod
from domain.recharges import Terms
from services import recharge_settings
from services.purchases import get_purchase, purchase_credits
from services.recharge_settings import attempts
from services.refunds import list_refunds, refund_purchase
from services.requests import RechargeRequest
from services.saved_methods import list_methods
from services.spending import consume
from services.wallets import get_wallet
from tests.api.conftest import serving
from tests.builders import SECRET, owner_of, spend_of, wallet_with
from tests.runtime.server import ROOT
from tests.services.test_settlement import request_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.conftest import Urls

PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.05
PAGE = Page(10, None)
_PASS_TIME = "with x as (update lease set expires_at = now()) update job set leased_until = now() where state = 2"  # noqa: S105


class Deathbed:
    """A worker process, and the provider's door: behind it the worker dies once the provider has done as asked."""

    def __init__(self, app: ASGIApp, urls: Urls, settings: Settings) -> None:
        self._app, self._urls = app, urls
        own = {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis, "PUBLIC_URL": settings.public_url}
        own |= {"PORT": str(settings.port), "SIMULATED_SECRET": SECRET, "DATA_DIR": "/nonexistent"}
        self._environment = os.environ | {f"COFFER_{name}": value for name, value in own.items()}
        self._fatal: tuple[str, str] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._dead = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the worker never hears the answer to a fatal one."""
        if scope["type"] != "http" or self._fatal is None or not self._is_fatal(scope, *self._fatal):
            await self._app(scope, receive, send)
            return
        self._fatal = None

        async def kill(message: Message) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200
                await asyncio.to_thread(self.stop)
                self._dead.set()
            await send(message)

        await self._app(scope, receive, kill)

    def start(self) -> None:
        """Start a worker."""
        self._worker = subprocess.Popen([sys.executable, "main.py", "work"], cwd=ROOT, env=self._environment)

    def stop(self) -> None:
        """Kill it."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()
            self._worker = None

    async def kills_at(self, method: str, ending: str) -> None:
        """Let the worker die of the next such request; then let its leases pass, and start another."""
        self._fatal = method, ending
        if self._worker is None:
            self.start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._dead.wait()
        self._dead.clear()
        connection = await asyncpg.connect(self._urls.database)
        await connection.execute(_PASS_TIME)
        await connection.close()
        self.start()

    def _is_fatal(self, scope: Scope, method: str, part: str) -> bool:
        return scope["method"] == method and part in scope["path"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a new worker does, which has to start first."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_SECONDS)


@pytest.fixture
async def deathbed(coffer: Coffer, settings: Settings, urls: Urls) -> AsyncIterator[Deathbed]:
    """A server without a worker, and a worker that dies as told."""
    async with serving(coffer, settings) as server:
        made = Deathbed(server.config.loaded_app, urls, settings)
        server.config.loaded_app = made
        yield made
        made.stop()


@pytest.mark.timeout(300)
async def test_what_the_provider_did_is_recorded_once_by_the_next_worker(
    coffer: Coffer, deathbed: Deathbed, urls: Urls
) -> None:
    """A worker dies behind a fetch, a refund and a charge: each is there once in the end, and the books balance."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)

    async def owns(credits: int) -> bool:
        found = await get_wallet(coffer, actor, wallet.uuid)
        return found is not None and found.available_credits == credits

    asked = request_for(wallet.uuid, method=PaymentMethod.CREDIT_CARD, saves_method=True)
    purchase = await purchase_credits(coffer, actor, asked)
    await deathbed.kills_at("GET", "/simulated/orders/")
    await until(lambda: owns(5_500))

    await refund_purchase(coffer, actor, purchase.uuid, 20_000, "back")
    await deathbed.kills_at("POST", "/refunds")

    async def refunded() -> bool:
        return [row.status.name for row in await list_refunds(coffer, actor, None, PAGE)] == ["SUCCEEDED"]

    await until(refunded)
    [method] = await list_methods(coffer, actor, wallet.uuid, PAGE)
    terms = Terms(50_000, None, 300_000, 3_600)
    await recharge_settings.enable(coffer, actor, RechargeRequest(wallet.uuid, method.uuid, 200, terms))
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=3_200))
    await deathbed.kills_at("POST", "/simulated/charges")
    await until(lambda: owns(100 + 5_500))

    assert [row.state.name for row in await attempts(coffer, actor, wallet.id, PAGE)] == ["SUCCEEDED"]
    bought = await get_purchase(coffer, actor, purchase.uuid)
    assert bought is not None
    assert bought.refunded_minor == 20_000
    assert (await reconcile(urls.database))["violations"] == 0
