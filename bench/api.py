"""GraphQL over HTTP beside Node's servers and a plain JSON endpoint: one schema, one interleaved run."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import orjson
import uvloop

from bench.database import servers
from bench.mutation import cpu_seconds
from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
SECONDS = 2.0
WARM_SECONDS = 1.0
FIRST_SECONDS = 20.0
CONNECTIONS = 32
RIVALS = Path(__file__).parent / "rivals"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

WALLET = "query Wallet($id: ID!) { wallet(id: $id) { id ownerId currency balance updatedAt } }"
FIELDS = "id walletId kind amount currency description createdAt balanceAfter"
LIST = f"query List($first: Int!) {{ transactions(first: $first) {{ {FIELDS} }} }}"
SPEND = f"""mutation Spend($input: SpendInput!) {{ spend(input: $input) {{
  wallet {{ id ownerId currency balance updatedAt }} transaction {{ {FIELDS} }} }} }}"""
INPUT = {"walletId": "w1", "amount": 5, "currency": "CREDIT", "idempotencyKey": "k-1"}
READ = "query Read($id: ID!) { wallet(id: $id) { id ownerId availableCredits sequence updatedAt } }"
OPERATIONS = {
    "wallet": (WALLET, {"id": "w1"}),
    "list": (LIST, {"first": 50}),
    "spend": (SPEND, {"input": INPUT}),
    "read": (READ, {}),
}
GOALS = {
    "wallet": [("coffer", "plain", 0.5)],
    "list": [("coffer", "mercurius", 0.9), ("coffer, trusted", "mercurius", 1.3)],
    "spend": [("coffer", "apollo", 0.55)],
    "read": [("product", "plain read", 0.5)],
}
"""Who is to reach which part of whose requests a second, by operation."""

GUARD_MICROSECONDS = 60


@dataclass(frozen=True)
class Side:
    """A running server, and whether it gets documents by their ids."""

    name: str
    pid: int
    port: int
    key: str
    wallet_ids: tuple[str, ...] = ("w1",)
    trusted: bool = False

    def request(self, operation: str, number: int) -> bytes:
        """The bytes of a connection's requests."""
        text, variables = OPERATIONS[operation]
        named = {"documentId": sha256(text.encode()).hexdigest()} if self.trusted else {"query": text}
        variables = variables or {"id": self.wallet_ids[number % len(self.wallet_ids)]}
        body = orjson.dumps(named | {"variables": variables})
        head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {self.key}\r\n"
        return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Sends a request as soon as the last one is answered."""

    def __init__(self, request: bytes) -> None:
        self.done = 0
        self.first = b""
        self._request = request
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count an answer when all of it is here, and ask again."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._received, 0, end)
        assert length, self._received[:end]
        if len(self._received) >= end + 4 + int(length[1]) and self._transport:
            self.first = self.first or self._received
            self._received = b""
            self.done += 1
            self._transport.write(self._request)

    def close(self) -> None:
        """Stop."""
        if self._transport:
            self._transport.abort()


async def load(side: Side, operation: str, seconds: float) -> float:
    """Requests a second over CONNECTIONS connections."""
    loop = asyncio.get_running_loop()
    makers = [partial(Connection, side.request(operation, number)) for number in range(CONNECTIONS)]
    opened = [(await loop.create_connection(make, "127.0.0.1", side.port))[1] for make in makers]
    async with asyncio.timeout(FIRST_SECONDS):
        while not opened[0].done:  # noqa: ASYNC110 - a protocol has no event
            await asyncio.sleep(0.01)
    before, started = sum(each.done for each in opened), time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (sum(each.done for each in opened) - before) / (time.perf_counter() - started)
    for each in opened:
        each.close()
    first = opened[0].first
    assert b" 200 OK" in first.split(b"\r\n", 1)[0], first
    assert b'"errors"' not in first, first
    return rate


@dataclass
class Figures:
    """What the rounds of one side and operation gave."""

    rates: list[float]
    costs: list[float]


async def measure(sides: list[Side], operation: str) -> dict[str, Figures]:
    """Load each side in turns."""
    found = {side.name: Figures([], []) for side in sides}
    for side in sides:
        await load(side, operation, WARM_SECONDS)
    for _ in range(ROUNDS):
        for side in sides:
            before = cpu_seconds(side.pid)
            started = time.perf_counter()
            rate = await load(side, operation, SECONDS)
            spent = cpu_seconds(side.pid) - before
            found[side.name].rates.append(rate)
            found[side.name].costs.append(spent / (rate * (time.perf_counter() - started)) * 1e6)
    return found


def report(operation: str, found: dict[str, Figures], goals: list[tuple[str, str, float]]) -> None:
    """A table of medians, and the goals: ours beside theirs."""
    print(f"\n| {operation} | requests a second | server's CPU us a request |\n| --- | --- | --- |")
    for name, each in found.items():
        print(f"| {name} | {statistics.median(each.rates):,.0f} | {statistics.median(each.costs):,.0f} |")
    for ours, theirs, goal in goals:
        pairs = zip(found[ours].rates, found[theirs].rates, strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{ours} / {theirs}: {ratio:.2f} (goal {goal}) {'reached' if ratio >= goal else 'NOT REACHED'}")


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    """A server on the first core; its pid, and the key and the wallet that it prints."""
    server = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    os.sched_setaffinity(server.pid, {0})
    assert server.stdout
    try:
        words = server.stdout.readline().split()
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield server.pid, words
    finally:
        server.terminate()
        server.wait()


def start(stack: ExitStack, name: str, urls: list[str], folder: str) -> Side:
    """One of Coffer's servers, or the plain endpoint."""
    port = free_port()
    environment = {"COFFER_PORT": str(port), "COFFER_SIMULATED_SECRET": "whsec_bench", "COFFER_DOCUMENTS_DIR": folder}
    # Budgets are counted, but never refuse.
    environment |= {"COFFER_RATE_POINTS_PER_SECOND": "100000000", "COFFER_RATE_BURST_POINTS": "1000000000"}
    return launch(stack, name, [sys.executable, "-m", "bench.api_server", name, *urls], port, environment)


def launch(stack: ExitStack, name: str, command: list[str], port: int, environment: dict[str, str]) -> Side:
    """A server until the stack closes."""
    pid, words = stack.enter_context(running(command, port, environment))
    key, *wallet_ids = words
    return Side(name, pid, port, key, tuple(wallet_ids))


async def compare(ours: dict[str, Side], rivals: list[Side]) -> None:
    """Every operation, on every side that has it."""
    coffer = ours["coffer"]
    trusted = replace(coffer, name="coffer, trusted", trusted=True)
    sides = {operation: [coffer, trusted, ours["bare"], *rivals] for operation in ("wallet", "list", "spend")}
    sides["wallet"].append(ours["plain"])
    sides["read"] = [ours["product"], ours["plain read"]]
    for operation, asked in sides.items():
        found = await measure(asked, operation)
        report(operation, found, [goal for goal in GOALS[operation] if goal[1] in found])
        if "bare" in found:
            pairs = zip(found["coffer"].costs, found["bare"].costs, strict=True)
            guards = statistics.median(with_them - without for with_them, without in pairs)
            reached = "reached" if guards <= GUARD_MICROSECONDS else "NOT REACHED"
            print(f"guards: {guards:.0f} us (goal {GUARD_MICROSECONDS}) {reached}")


def main() -> None:
    """Measure on servers of the run's own; the load comes from the second core."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for text, _ in OPERATIONS.values():
            Path(folder, f"{sha256(text.encode()).hexdigest()}.graphql").write_bytes(text.encode())
        embedded = stack.enter_context(servers())
        urls = [embedded.database_url, embedded.redis_url]
        names = ("coffer", "bare", "plain", "product", "plain read")
        ours = {name: start(stack, name, urls, folder) for name in names}
        rivals = []
        for name in ("mercurius", "apollo", "yoga") if (RIVALS / "node_modules").is_dir() else ():
            port = free_port()
            command = ["node", str(RIVALS / "server.mjs"), name, str(port)]
            rivals.append(launch(stack, name, command, port, {"NODE_ENV": "production"}))
        os.sched_setaffinity(0, {1})
        uvloop.run(compare(ours, rivals))


if __name__ == "__main__":
    main()
