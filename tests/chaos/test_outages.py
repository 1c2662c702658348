"""Payments while PostgreSQL, Redis or RabbitMQ is away: each purchase is granted once, and the books balance."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from runtime.embedded_valkey import ValkeyServer
from runtime.relay import RelayWorker
from runtime.worker import Worker
from tests.chaos.shop import GRANTED, HANDLERS, PAYMENTS, shop
from tests.long import examples
from tests.runtime.rabbitmq import MISSING, RabbitServer, is_installed
from tests.runtime.relay_steps import forget_lost_connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from services.coffer import Coffer
    from tests.conftest import Urls

DOWN_SECONDS = examples(1, 30)


@asynccontextmanager
async def working(*workers: Worker | RelayWorker) -> AsyncIterator[None]:
    """Workers for the length of the block."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        await asyncio.gather(*tasks)


def worker_of(coffer: Coffer) -> Worker:
    return Worker(coffer, HANDLERS)


async def test_postgresql_restarts_in_mid_load(urls: Urls) -> None:
    """The database is stopped in the middle of intake and settling, twice, and comes back."""
    async with shop(urls.database, urls.redis) as open_shop, working(worker_of(open_shop.coffer)):
        delivering = asyncio.create_task(open_shop.deliver())
        for kept in (PAYMENTS // 3, PAYMENTS):
            await open_shop.until_kept(kept)
            os.kill(await _postmaster(urls.database), signal.SIGINT)
        await delivering
        await open_shop.settled()
        assert await open_shop.proof() == GRANTED


async def _postmaster(database_url: str) -> int:
    """The process of the server, once it answers."""
    while True:
        try:
            connection = await asyncpg.connect(database_url)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
            continue
        folder = await connection.fetchval("show data_directory")
        await connection.close()
        return int(Path(folder, "postmaster.pid").read_text().split("\n", 1)[0])  # noqa: ASYNC240 - a line


async def test_redis_goes_away_in_mid_load(urls: Urls, tmp_path: Path) -> None:
    """Redis is stopped under load and comes back: workers are not woken meanwhile, and look by themselves."""
    valkey = ValkeyServer(tmp_path)
    valkey.start()
    try:
        async with shop(urls.database, valkey.url) as open_shop, working(worker_of(open_shop.coffer)):
            delivering = asyncio.create_task(open_shop.deliver())
            await open_shop.until_kept(PAYMENTS // 3)
            await asyncio.to_thread(valkey.stop)
            await asyncio.sleep(DOWN_SECONDS)
            await asyncio.to_thread(valkey.start)
            await delivering
            await open_shop.settled()
            assert await open_shop.proof() == GRANTED
    finally:
        valkey.stop()


@pytest.fixture
def rabbit(tmp_path: Path) -> Iterator[RabbitServer]:
    """A RabbitMQ of the test's own."""
    server = RabbitServer(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.close()
        forget_lost_connections()


@pytest.mark.timeout(300)
@pytest.mark.skipif(not is_installed(), reason=MISSING)
async def test_rabbitmq_stops_in_mid_load(urls: Urls, rabbit: RabbitServer) -> None:
    """Two workers take payments from the broker in lots; it stops under load and comes back."""
    async with shop(urls.database, urls.redis) as open_shop:
        workers = [RelayWorker(open_shop.coffer, HANDLERS, rabbit.url) for _ in range(2)]
        async with working(*workers):
            delivering = asyncio.create_task(open_shop.deliver())
            await open_shop.until_kept(PAYMENTS // 3)
            await asyncio.to_thread(rabbit.stop)
            await asyncio.sleep(DOWN_SECONDS)
            await asyncio.to_thread(rabbit.start)
            await delivering
            await open_shop.settled()
        assert await open_shop.proof() == GRANTED
