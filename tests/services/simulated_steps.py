"""Steps that the tests of the simulated provider share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from runtime.app import create_app
from runtime.worker import Worker
from services import simulated_provider as provider
from tests.builders import SECRET
from tests.gateways.loopback import Loopback, Received, loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from services.coffer import Coffer

NEVER_MS = 3_600_000
ORDER: dict[str, Any] = {
    "reference": "ref-1",
    "amount_minor": 60_200,
    "currency": "INR",
    "method": "UPI",
    "fails": False,
    "saves_method": False,
}


@asynccontextmanager
async def calling(coffer: Coffer, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(coffer, settings))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


async def opened(coffer: Coffer, delay_ms: int = NEVER_MS, **changes: Any) -> str:  # noqa: ANN401 - any field
    """The id of a new order."""
    order = await provider.create_order(coffer, provider.NewOrder(**ORDER | changes), delay_ms)
    return order.id


async def choose(client: httpx.AsyncClient, order: str, action: str, method: str = "UPI") -> httpx.Response:
    """Press a button of the page."""
    return await client.post(f"/simulated/checkout/{order}", data={"method": method, "action": action})


async def status_of(coffer: Coffer, order: str) -> str:
    return (await provider.read_order(coffer, order)).status


@asynccontextmanager
async def receiving(coffer: Coffer) -> AsyncIterator[Loopback]:
    """The merchant's webhook address, while the provider's background work runs."""
    async with loopback() as inbox:
        worker = Worker(coffer, provider.handlers(f"{inbox.url}/webhooks/simulated", SECRET))
        task = asyncio.create_task(worker.run())
        try:
            yield inbox
        finally:
            worker.stop()
            await task


def event(received: Received) -> tuple[str, str, str]:
    """Read a message: its type, its order and the order's status."""
    body = orjson.loads(received.body)
    return body["type"], body["data"]["order_id"], body["data"]["status"]
