"""Real servers for the whole run, and a fresh migrated database for each test."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from db.migrate import upgrade
from runtime.embedded import Servers, embedded
from runtime.embedded_valkey import ValkeyServer
from runtime.process import open_coffer
from runtime.telemetry import configure_logs
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runtime.settings import Settings
    from services.coffer import Coffer

TEMPLATE = "template_coffer"
HASTY = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB"}
"""No test cuts the power of these servers, so they need not wait for the disk."""

MEMORY_DISK = "/dev/shm"  # noqa: S108 - pytest makes a folder of its own there
MEMORY_DISK_BYTES = 4 * 1024**3
"""What the run may need there. On a disk a database of a test takes several times as long to make and to drop."""

LONGEST = (
    "crash/test_crash.py",
    "runtime/test_processes.py",
    "api/test_fuzz.py",
    "chaos/test_killed_workers.py",
    "runtime/test_relay.py",
    "chaos/test_outages.py",
    "schema/test_fast_execution.py",
    "api/test_access.py",
    "api/test_reversals.py",
    "services/test_model.py",
    "services/test_usage_sums.py",
    "api/test_seats.py",
    "examples/test_examples.py",
    "services/test_together.py",
)
"""The files that take longest run first, so that none of the processes is left alone with one of them."""

configure_logs()
if os.path.isdir(MEMORY_DISK) and shutil.disk_usage(MEMORY_DISK).free > MEMORY_DISK_BYTES:  # noqa: PTH112
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY_DISK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One PostgreSQL and one Valkey for the whole run."""
    with embedded(tmp_path_factory.mktemp("servers"), lambda _line: None, postgres_options=HASTY) as running:
        yield running


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """The name of a migrated database that tests are copied from."""

    async def create() -> None:
        connection = await asyncpg.connect(servers.database_url)
        await connection.execute(f"create database {TEMPLATE}")
        await connection.close()

    with asyncio.Runner() as runner:
        runner.run(create())
    upgrade(servers.database_url.replace("/coffer?", f"/{TEMPLATE}?"))
    return TEMPLATE


@asynccontextmanager
async def fresh_database(servers: Servers, template: str) -> AsyncIterator[str]:
    """A database of its own, dropped after the block."""
    name = f"test_{uuid4().hex}"
    await _administer(servers, f"create database {name} template {template} strategy file_copy")
    yield servers.database_url.replace("/coffer?", f"/{name}?")
    await _administer(servers, f"drop database {name} with (force)")


async def _administer(servers: Servers, statement: str) -> None:
    """Over a connection of its own: a test may restart the server."""
    connection = await asyncpg.connect(servers.database_url)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def database_url(servers: Servers, template: str) -> AsyncIterator[str]:
    """A database of this test's own."""
    async with fresh_database(servers, template) as url:
        yield url


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The Valkey of the run."""
    return servers.redis_url


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey of this test's own, which it may stop."""
    server = ValkeyServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings() -> Settings:
    """Settings of a process on a free port."""
    return settings_for(free_port())


@pytest.fixture
async def coffer(settings: Settings, database_url: str, redis_url: str) -> AsyncIterator[Coffer]:
    """The open parts of a process on this test's database."""
    async with open_coffer(settings, database_url, redis_url) as opened:
        yield opened


@dataclass(frozen=True)
class Urls:
    """Where a test's servers answer."""

    database: str
    redis: str


@pytest.fixture
def urls(database_url: str, redis_url: str) -> Urls:
    """Both addresses."""
    return Urls(database_url, redis_url)
