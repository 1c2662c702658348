"""Webhooks a minute and payments settled: intake over HTTP, a backlog drained, and both at a steady rate.

Beside the intake stand plain inserts of the same rows (each its own commit, from as many connections), beside the
draining bare UNNEST inserts of the rows that the ledger gets. The provider answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import asyncpg
import httpx
import uvloop

from bench.database import fund, servers
from bench.payment_database import add_purchases, message
from db.reconcile import reconcile
from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.payment_database import Message

EVENTS: Final = 20_000
CONNECTIONS: Final = 32
STEADY_PER_SECOND: Final = 834
"""50,000 a minute."""

STEADY_SECONDS: Final = 30
START_SECONDS: Final = 120
PLAIN_SHARE: Final = 10
"""Of that many messages one is written by plain inserts as well."""

_EVENT: Final = (
    "with e as (insert into gateway_event (gateway, event_id, type, kind, order_id, body)"
    " values ('plain', $1, 'payment.succeeded', 'payment', $2, $3) returning id)"
    " insert into job (queue, kind, payload, state) select 'webhook.processing', 'plain',"
    " jsonb_build_object('event', id), 3 from e"
)
_ROWS: Final = (
    "insert into plain (wallet_id, sequence, amount, balance_before, balance_after, created_at, type, source,"
    " from_account, to_account, key_hash, idempotency_key, source_id) select 0, n, 5000, (n - 1) * 5000, n * 5000,"
    " now(), 1, 2, 10, 1, md5('plain ' || n)::uuid, 'plain ' || n, 'pur' from unnest($1::bigint[]) n"
)


class Sender:
    """Sends messages over kept-alive connections and notes how long each answer took."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seconds: list[float] = []

    async def send(self, messages: list[Message], per_second: float | None = None) -> float:
        """Send all, at a steady rate if one is named; the seconds that it took."""
        begun = time.perf_counter()
        work = iter(enumerate(messages))
        await asyncio.gather(*(self._connection(work, begun, per_second) for _ in range(CONNECTIONS)))
        return time.perf_counter() - begun

    async def _connection(self, work: object, begun: float, per_second: float | None) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number, one in work:  # type: ignore[attr-defined]  # an iterator that connections share
            if per_second:
                await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            sent = time.perf_counter()
            writer.write(_request(one))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head, head
            await reader.readexactly(int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
            self.seconds.append(time.perf_counter() - sent)
        writer.close()


def _request(one: Message) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
    head = f"POST /webhooks/simulated HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(one.body)}\r\n\r\n"
    return head.encode() + one.body


async def plain(database_url: str, numbers: range) -> float:
    """Plain inserts of messages a second: each with its job in a commit of its own."""
    pool = await asyncpg.create_pool(database_url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    work = iter(numbers)

    async def connection() -> None:
        async with pool.acquire() as one:
            for number in work:
                await one.execute(_EVENT, f"plain {number}", f"o{number}", message(number).body)

    begun = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - begun
    await pool.close()
    return len(numbers) / seconds


async def bare_rows(database_url: str, payments: int) -> float:
    """Payments a second if they were nothing but their two rows of the ledger, inserted in batches."""
    admin = await asyncpg.connect(database_url)
    await admin.execute("create table plain (like credit_transaction including all)")
    begun = time.perf_counter()
    for start in range(1, 2 * payments, 400):
        await admin.execute(_ROWS, list(range(start, start + 400)))
    seconds = time.perf_counter() - begun
    await admin.execute("drop table plain")
    await admin.close()
    return payments / seconds


async def watch(database_url: str, until: Callable[[int], bool]) -> list[tuple[float, int]]:
    """Seconds and messages that wait, once a second until enough is done."""
    connection = await asyncpg.connect(database_url)
    seen, begun = [], time.perf_counter()
    while True:
        left = await connection.fetchval("select count(*) from job where kind = 'gateway.event' and state < 3")
        seen.append((time.perf_counter() - begun, left))
        if until(left):
            await connection.close()
            return seen
        await asyncio.sleep(1)


class Server:
    """A process that takes messages in and, if told to, settles them."""

    def __init__(self, database_url: str, redis_url: str, *, works: bool) -> None:
        self.port = free_port()
        words = [sys.executable, "-m", "bench.payment_server", database_url, redis_url, "works" if works else "serves"]
        self._process = subprocess.Popen(words, env=os.environ | {"COFFER_PORT": str(self.port)})

    def __enter__(self) -> Self:
        """Wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return self
        raise TimeoutError("The server did not start.")

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()


async def measure(database_url: str, redis_url: str, events: int, seconds: int) -> None:
    """Print what the module's docstring says."""
    steady = STEADY_PER_SECOND * seconds
    await fund(database_url)
    await add_purchases(database_url, 1, events + 2 * steady)
    with Server(database_url, redis_url, works=False) as server:
        sender, rates, inserts = Sender(server.port), [], []
        for start in range(1, events + 1, 10_000):
            part = [message(number) for number in range(start, min(start + 10_000, events + 1))]
            inserts.append(await plain(database_url, range(start, start + max(len(part) // PLAIN_SHARE, 1))))
            rates.append(len(part) / await sender.send(part))
    _print_rates("intake, messages a second", rates, inserts)
    _print_answers("answers, all at once", sender.seconds)
    with Server(database_url, redis_url, works=True):
        drained = await watch(database_url, lambda left: left == 0)
    _print_rates("drained, payments a second", [events / drained[-1][0]], [await bare_rows(database_url, events)])
    _print_backlog("backlog while draining", drained)
    with Server(database_url, redis_url, works=True) as server:
        await _steady(database_url, server, [message(events + number) for number in range(1, steady + 1)])
    print("the same with a worker beside the server:", flush=True)
    with Server(database_url, redis_url, works=False) as server, Server(database_url, redis_url, works=True):
        await _steady(database_url, server, [message(events + steady + number) for number in range(1, steady + 1)])
    print(f"violations of the books: {(await reconcile(database_url))['violations']}", flush=True)


async def _steady(database_url: str, server: Server, messages: list[Message]) -> None:
    sender = Sender(server.port)
    sending: Awaitable[float] = asyncio.ensure_future(sender.send(messages, STEADY_PER_SECOND))
    begun = time.perf_counter()
    least = len(messages) / STEADY_PER_SECOND
    seen = await watch(database_url, lambda left: left == 0 and time.perf_counter() - begun > least)
    print(f"{STEADY_PER_SECOND * 60:,} a minute: sent {len(messages) / await sending * 60:,.0f} a minute", flush=True)
    _print_answers("answers at that rate", sender.seconds)
    _print_backlog("backlog at that rate", seen)
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow(
        "select percentile_cont(0.5) within group (order by s) as half,"
        " percentile_cont(0.99) within group (order by s) as most"
        " from (select extract(epoch from processed_at - received_at) as s from gateway_event"
        " where gateway = 'simulated' order by id desc limit $1) x",
        len(messages),
    )
    await connection.close()
    assert row is not None
    print(
        f"from message to credits: {row['half']:.2f} s in the median, {row['most']:.2f} s at the 99th percentile",
        flush=True,
    )


def _print_rates(name: str, ours: list[float], theirs: list[float]) -> None:
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name}: {statistics.median(ours):,.0f}, plain inserts {statistics.median(theirs):,.0f}, ratio {ratio:.2f}",
        flush=True,
    )


def _print_answers(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    print(f"{name}: {half * 1000:.1f} ms in the median, {most * 1000:.1f} ms at the 99th percentile", flush=True)


def _print_backlog(name: str, seen: list[tuple[float, int]]) -> None:
    step = max(len(seen) // 10, 1)
    print(
        f"{name}: " + ", ".join(f"{seconds:.0f} s {left:,}" for seconds, left in [*seen[::step], seen[-1]]), flush=True
    )


def main() -> None:
    """Measure on servers of the run's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--seconds", type=int, default=STEADY_SECONDS, help="of the steady rate")
    words = parser.parse_args()
    with servers() as running:
        uvloop.run(measure(running.database_url, running.redis_url, words.events, words.seconds))


if __name__ == "__main__":
    main()
