"""Requests a second over HTTP: the consume mutation against one that returns a constant, in one interleaved run."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import orjson
import uvloop

from bench.database import fund, servers
from tests.builders import free_port

ROUNDS = 7
SECONDS = 4.0
CONNECTIONS = 64
FIELDS = """replayed transaction { id type credits balanceBefore balanceAfter createdAt }
  wallet { id availableCredits sequence } errors { code message }"""
QUERY = "mutation($input: ConsumeInput!) { %s(input: $input) { " + FIELDS + " } }"

_numbers = count()


async def load(port: int, key: str, field: str, wallets: list[str]) -> float:
    """Requests a second with CONNECTIONS kept-alive connections for SECONDS."""
    deadline = time.perf_counter() + SECONDS
    done = await asyncio.gather(*(_client(port, key, field, wallets, deadline) for _ in range(CONNECTIONS)))
    return sum(done) / SECONDS


async def _client(port: int, key: str, field: str, wallets: list[str], deadline: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while time.perf_counter() < deadline:
        number = next(_numbers)
        spend = {"walletId": wallets[number % len(wallets)], "feature": "API_BASIC_REQUEST"}
        variables = {"input": spend | {"idempotencyKey": f"m{number}"}}
        writer.write(_request(key, orjson.dumps({"query": QUERY % field, "variables": variables})))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        assert b'"errors":[]' in body, body
        done += 1
    writer.close()
    return done


def _request(key: str, body: bytes) -> bytes:
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(database_url: str, pid: int, port: int, key: str) -> None:
    """Print the medians and ratios: of requests a second, and of the server's processor time for each request."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select uuid from wallet order by id limit 200")
    await connection.close()
    wallets = [f"wal_{UUID(str(row['uuid'])).hex}" for row in rows]
    rates: dict[str, list[float]] = {"consume": [], "constant": []}
    costs: dict[str, list[float]] = {"consume": [], "constant": []}
    for _ in range(ROUNDS):
        for field, values in rates.items():
            before = cpu_seconds(pid)
            values.append(await load(port, key, field, wallets))
            costs[field].append((cpu_seconds(pid) - before) / (values[-1] * SECONDS) * 1e6)
    print(f"| {CONNECTIONS} connections, 200 wallets | consume | constant | ratio |")
    print("| --- | --- | --- | --- |")
    _print_row("requests a second", rates["consume"], rates["constant"])
    _print_row("server's CPU microseconds a request", costs["constant"], costs["consume"])


def _print_row(name: str, ours: list[float], theirs: list[float]) -> None:
    """The ratio is above 1 where consume is the better one."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    consume, constant = (ours, theirs) if name.startswith("requests") else (theirs, ours)
    print(f"| {name} | {statistics.median(consume):,.0f} | {statistics.median(constant):,.0f} | {ratio:.2f} |")


def main() -> None:
    """Measure on servers of the run's own."""
    port = free_port()
    with servers() as running:
        uvloop.run(fund(running.database_url))
        command = [sys.executable, "-m", "bench.constant", running.database_url, running.redis_url]
        environment = os.environ | {"COFFER_PORT": str(port), "COFFER_SIMULATED_SECRET": "whsec_bench"}
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert server.stdout
        try:
            key = server.stdout.readline().strip()
            _wait(port)
            uvloop.run(measure(running.database_url, server.pid, port, key))
        finally:
            server.terminate()
            server.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    main()
