"""The clients that people copy, against a real server and over a network that breaks."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import CREATE_WALLET, GRANT
from tests.examples.relay import relay

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from tests.api.client import Client
    from tests.api.conftest import Api

ROOT = Path(__file__).parents[2]
TYPESCRIPT = ROOT / "examples" / "typescript"
PYTHON = ROOT / ".venv" / "examples" / "bin" / "python"
CUT_AFTER_BYTES = 24_000
RUN_SECONDS = 60
SPENDS = 700
SPEND = "mutation($inputs: [ConsumeInput!]!) { consumeBatch(inputs: $inputs) { results { errors { code } } } }"
STORY = """opened: 0 credits
bought for ₹602.00
live: 1 CREDIT_PURCHASE 5000
spent: 15, 5485 left
spent before: 15, 5485 left
buy 9515 more credits
ask the user again: it costs 15
refused: UNKNOWN_FEATURE: """


@dataclass(frozen=True)
class Example:
    """One of the clients."""

    language: str

    def command(self, program: str, *arguments: str) -> list[str]:
        """How to start one of its programs."""
        if self.language == "python":
            return [str(PYTHON), str(ROOT / "examples" / "python" / f"{program}.py"), *arguments]
        return ["node", str(TYPESCRIPT / "dist" / f"{program}.js"), *arguments]

    @asynccontextmanager
    async def running(self, client: Client, port: int, program: str, *arguments: str) -> AsyncIterator[Process]:
        """One of its programs, on a server or relay at a port."""
        environment = os.environ | {
            "COFFER_KEY": str(client.key),
            "COFFER_URL": f"http://127.0.0.1:{port}/graphql",
            "NO_PROXY": "127.0.0.1",
        }
        process = await asyncio.create_subprocess_exec(
            *self.command(program, *arguments),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def run(*command: str, cwd: Path) -> None:
    """A command that has to succeed."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    assert process.returncode == 0, output.decode()


def needed(language: str) -> None:
    """Skip where what a language needs is not installed."""
    if language == "typescript" and shutil.which("node") is None:
        pytest.skip("needs Node 20")
    if language == "typescript" and not (TYPESCRIPT / "node_modules").exists():
        pytest.skip("`make test` installs the example's packages where npm is")
    if language == "python" and not PYTHON.exists():
        pytest.skip("`make test` installs the example's packages")


@pytest.fixture(scope="session")
async def built() -> None:
    """The TypeScript example, compiled: a wrong type fails here."""
    needed("typescript")
    await run("npx", "tsc", cwd=TYPESCRIPT)


@pytest.fixture(params=["python", "typescript"])
def example(request: pytest.FixtureRequest) -> Example:
    """Each client in turn."""
    needed(request.param)
    if request.param == "typescript":
        request.getfixturevalue("built")
    return Example(request.param)


async def new_wallet(client: Client) -> str:
    """A wallet with a grant as its transaction 1."""
    wallet = str((await client.run(CREATE_WALLET, owner="live"))["wallet"]["id"])
    await client.run(GRANT, input={"walletId": wallet, "credits": 10_000, "reason": "r", "idempotencyKey": "start"})
    return wallet


async def spend(client: Client, wallet: str, keys: range) -> None:
    """One transaction for each key."""
    inputs = [{"walletId": wallet, "feature": "API_BASIC_REQUEST", "idempotencyKey": f"key-{key}"} for key in keys]
    results = (await client.run(SPEND, inputs=inputs))["results"]
    assert [result for result in results if result["errors"]] == []


async def sequences(watching: Process, last: int) -> list[int]:
    """The sequences that a watcher prints, to the last one expected."""
    assert watching.stdout
    found: list[int] = []
    async with asyncio.timeout(RUN_SECONDS):
        while not found or found[-1] < last:
            line = await watching.stdout.readline()
            assert line, (await watching.communicate())[1].decode()
            found.append(int(line.split()[0]))
    return found


async def test_the_story(example: Example, api: Api) -> None:
    """Both tell the same: a wallet, a pack that lands, a spend, its replay, and three refusals by their type."""
    client = await api.client()
    async with example.running(client, api.settings.port, "story", "maya") as process:
        output, errors = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    assert (process.returncode, errors.decode()) == (0, "")
    bonus = "live: 2 BONUS_CREDIT 500\n"  # lands with the purchase or right behind it
    assert output.decode().replace(bonus, "").startswith(STORY)


async def test_a_watcher_resumes_where_its_connection_was_cut(example: Example, api: Api) -> None:
    """Over connections that each break after 24,000 bytes, within a message, every transaction is printed once."""
    client = await api.client()
    wallet = await new_wallet(client)
    async with (
        relay(api.settings.port, CUT_AFTER_BYTES) as network,
        example.running(client, network.port, "watch", wallet) as watching,
    ):
        assert await sequences(watching, 1) == [1]
        for start in range(0, SPENDS, 100):
            await spend(client, wallet, range(start, start + 100))
        assert await sequences(watching, SPENDS + 1) == list(range(2, SPENDS + 2))
        assert network.cuts >= 2


async def test_a_watcher_goes_on_after_an_outage(example: Example, api: Api) -> None:
    """What happens while nobody answers is printed once the server is back, and so is what follows."""
    client = await api.client()
    wallet = await new_wallet(client)
    async with relay(api.settings.port) as network, example.running(client, network.port, "watch", wallet) as watching:
        assert await sequences(watching, 1) == [1]
        network.down = True
        network.cut()
        await asyncio.wait_for(network.refused.wait(), RUN_SECONDS)
        await spend(client, wallet, range(250))
        network.down = False
        assert await sequences(watching, 251) == list(range(2, 252))
        await spend(client, wallet, range(250, 253))
        assert await sequences(watching, 254) == [252, 253, 254]


async def test_a_watcher_with_a_wrong_key_gives_up(example: Example, api: Api) -> None:
    """No client hammers a server with a key that is refused: it ends, and says 4403."""
    arguments = (api.with_key("wrong"), api.settings.port, "watch", "wal_0")
    async with example.running(*arguments) as watching:
        _, errors = await asyncio.wait_for(watching.communicate(), RUN_SECONDS)
    assert watching.returncode != 0
    assert "4403" in errors.decode()


async def test_a_watcher_of_no_wallet_gives_up(example: Example, api: Api) -> None:
    """A subscription that the server refuses with null data ends the client, which says why."""
    arguments = (await api.client(), api.settings.port, "watch", "wal_0")
    async with example.running(*arguments) as watching:
        _, errors = await asyncio.wait_for(watching.communicate(), RUN_SECONDS)
    assert watching.returncode != 0
    assert "wallet" in errors.decode()


@pytest.mark.parametrize("language", ["python", "typescript"])
async def test_the_generated_client_is_fresh(language: str, tmp_path: Path) -> None:
    """Generating from the schema and the operations gives what is committed; `make examples` writes it."""
    needed(language)
    copy = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", copy, ignore=shutil.ignore_patterns("node_modules", "dist", "__pycache__"))
    (tmp_path / "schema").mkdir()
    shutil.copy(ROOT / "schema" / "schema.graphql", tmp_path / "schema")
    if language == "python":
        generated = Path("python") / "coffer_client"
        await run(str(PYTHON.parent / "ariadne-codegen"), cwd=copy / "python")
    else:
        generated = Path("typescript") / "src" / "generated"
        (copy / "typescript" / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
        await run("node_modules/.bin/graphql-codegen", cwd=copy / "typescript")
    assert texts(copy / generated) == texts(ROOT / "examples" / generated)


def texts(folder: Path) -> dict[str, str]:
    """What is in the files of a folder, by name."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
