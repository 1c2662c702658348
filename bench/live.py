"""The live feed: bytes a socket, time from commit to client, fan-out of a shared topic, outages of Redis.

The server is one process of ours. The spends are real ones, made through the lanes of the benchmark's own process,
which holds the clients as well: a balance is right when it is the one that the last commit of its wallet left.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import httpx
import uvloop

from bench.database import fund, servers
from bench.live_load import Books, all_right, loaded, spend_request, spending
from bench.sockets import Socket, open_sockets
from db.database import Database
from domain.permissions import Role
from runtime.embedded_valkey import ValkeyServer
from services.keys import issue_key
from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.lanes import Lanes

LOAD_SECONDS: Final = 20.0
WARM_SOCKETS: Final = 200
OUTAGES_SECONDS: Final = (1, 12, 60)

ALERTS: Final = 15
ALERT_SECONDS: Final = 60.0
EMPTY_SECONDS: Final = 60.0
OWN_SUBSCRIPTIONS: Final = 2
"""The server's own: jobs, and keys that were revoked."""

OWN: Final = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence wallet { availableCredits } } }"
SHARED: Final = "subscription { lowBalance { sequence availableCredits } }"


class Run:
    """The parts of one run."""

    def __init__(self, database_url: str, valkey: ValkeyServer, pid: int, port: int) -> None:
        self.database_url, self.valkey, self.pid, self.port = database_url, valkey, pid, port
        self.key = ""
        self.public: dict[int, str] = {}

    def own(self, books: Books, wallet: int) -> Socket:
        """A client that watches one wallet."""
        return Socket(self.key, {"query": OWN, "variables": {"id": self.public[wallet]}}, partial(books.heard, wallet))

    def megabytes(self) -> float:
        """The server's resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that the server has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def gauge(self, name: str) -> float:
        """One of the server's metrics."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            text = (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


async def own_topics(run: Run, books: Books, lanes: Lanes) -> list[Socket]:
    """Open a socket for each wallet, then spend: memory and delays."""
    warm = await open_sockets(run.port, [partial(run.own, books, wallet) for wallet in books.wallets[:WARM_SOCKETS]])
    await asyncio.sleep(1)
    before, started = run.megabytes(), time.perf_counter()
    rest = books.wallets[WARM_SOCKETS:]
    sockets = warm + await open_sockets(run.port, [partial(run.own, books, wallet) for wallet in rest])
    seconds = time.perf_counter() - started
    await all_right(books)
    each = (run.megabytes() - before) * 1e6 / len(rest) / 1024
    print(f"{len(sockets):,} sockets on own topics: {each:.1f} KB each ({len(rest) / seconds:,.0f} opened a second)")
    books.delays.clear()
    cpu = run.cpu_seconds()
    async with loaded(lanes, books.wallets):
        await asyncio.sleep(LOAD_SECONDS)
    await all_right(books)
    cost = (run.cpu_seconds() - cpu) / len(books.delays) * 1e6
    each = (run.megabytes() - before) * 1e6 / len(rest) / 1024
    lost = books.wrong()
    print(
        f"{len(books.delays) / LOAD_SECONDS:,.0f} messages/s: {_spread(books.delays)}, wrong at the end {lost},"
        f" server CPU {cost:,.0f} us a message; {each:.1f} KB a socket after it"
    )
    return sockets


def _spread(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=1000)
    return f"p50 {cuts[499] * 1e3:.1f} ms, p99 {cuts[989] * 1e3:.1f} ms, most {max(seconds) * 1e3:.1f} ms"


async def outage(run: Run, books: Books, lanes: Lanes, sockets: list[Socket], seconds: float) -> None:
    """Stop Redis under load; from its return on, how long until every client is right."""
    async with loaded(lanes, books.wallets):
        await asyncio.to_thread(run.valkey.stop)
        await asyncio.sleep(seconds)
        behind = books.wrong()
        await asyncio.to_thread(run.valkey.start)
        returned = time.perf_counter()
        await asyncio.sleep(0.5)
    await all_right(books)
    took = time.perf_counter() - returned
    still = sum(socket.is_open for socket in sockets)
    print(
        f"Redis gone for {seconds} s: {behind:,} clients behind; {took:.1f} s after its return {books.wrong()} wrong,"
        f" {len(sockets) - still} closed"
    )


async def fan_out(run: Run, books: Books, lanes: Lanes, count: int, *, together: bool) -> None:
    """Alerts to clients of one topic, executed once for all of them or once for each."""
    heard: dict[int, list[float]] = {}

    def hear(data: Any, came: float) -> None:  # noqa: ANN401 - JSON
        heard.setdefault(int(data["lowBalance"]["availableCredits"]), []).append(came)

    def make(number: int) -> Socket:
        # A comment of its own makes a document of its own.
        return Socket(run.key, {"query": SHARED if together else f"{SHARED} # {number}"}, hear)

    before = run.megabytes()
    sockets = await open_sockets(run.port, [partial(make, number) for number in range(count)])
    await asyncio.sleep(3)
    each = (run.megabytes() - before) * 1e6 / count / 1024
    first, last, cpu = [], [], run.cpu_seconds()
    for wallet in await dip_next(run, books, ALERTS):
        heard.clear()
        item = await lanes.spend(spend_request(wallet))
        committed = books.when[wallet, item.wallet.sequence]
        async with asyncio.timeout(ALERT_SECONDS):
            while sum(map(len, heard.values())) < count:  # noqa: ASYNC110 - clients have no event
                await asyncio.sleep(0.002)
        times = heard[item.wallet.available_credits]
        first.append(min(times) - committed)
        last.append(max(times) - committed)
    cost = (run.cpu_seconds() - cpu) / ALERTS / count * 1e6
    way = "executed once" if together else "executed for each"
    print(
        f"{count:,} sockets on one topic, {way}: last client {statistics.median(last) * 1e3:.0f} ms (most"
        f" {max(last) * 1e3:.0f}), first {statistics.median(first) * 1e3:.0f} ms, server CPU {cost:.0f} us a client,"
        f" {each:.1f} KB a socket, nothing lost"
    )
    for socket in sockets:
        socket.close()


async def dip_next(run: Run, books: Books, wallets: int) -> list[int]:
    """Wallets whose next spend raises an alert."""
    chosen = random.sample(books.wallets, wallets)
    connection = await asyncpg.connect(run.database_url)
    await connection.execute(
        "update wallet set low_balance_threshold = available_credits where id = any($1::bigint[])", chosen
    )
    await connection.close()
    return chosen


async def measure(run: Run, arguments: argparse.Namespace) -> None:
    """Every part, in order."""
    wallets = await fund(run.database_url, arguments.sockets)
    database = Database(run.database_url)
    run.key = (await issue_key(database, "bench", Role.OWNER)).secret
    await database.close()
    connection = await asyncpg.connect(run.database_url)
    rows = await connection.fetch("select id, uuid from wallet")
    await connection.close()
    run.public = {row["id"]: f"wal_{UUID(str(row['uuid'])).hex}" for row in rows}
    books = Books(wallets)
    async with spending(run.database_url, run.valkey.url, books) as lanes:
        sockets = await own_topics(run, books, lanes)
        for seconds in arguments.outages:
            await outage(run, books, lanes, sockets, seconds)
        for socket in sockets:
            socket.close()
        await emptied(run)
        for together in (True, False) * arguments.rounds:
            await fan_out(run, books, lanes, arguments.sockets // 2, together=together)
            await emptied(run)


async def emptied(run: Run) -> None:
    """Wait until the server has let go of every socket, then for its subscriptions, and say what is left."""
    async with asyncio.timeout(EMPTY_SECONDS):
        while await run.gauge("coffer_live_connections"):  # noqa: ASYNC110 - a gauge has no event
            await asyncio.sleep(0.2)
    started = time.perf_counter()
    while (left := await run.gauge("coffer_live_subscriptions")) > OWN_SUBSCRIPTIONS:
        if time.perf_counter() - started > EMPTY_SECONDS:
            break
        await asyncio.sleep(0.2)
    seconds = time.perf_counter() - started
    print(f"all closed: {left:.0f} subscriptions left after {seconds:.1f} s, {run.megabytes():.0f} MB")


@contextmanager
def server(database_url: str, redis_url: str, folder: str) -> Iterator[tuple[int, int]]:
    """The server's process and port."""
    port = free_port()
    environment = os.environ | {"COFFER_PORT": str(port), "COFFER_DATA_DIR": folder}
    process = subprocess.Popen([sys.executable, "-m", "bench.live_server", database_url, redis_url], env=environment)
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def main() -> None:
    """Measure on servers of the run's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--outages", type=int, nargs="*", default=OUTAGES_SECONDS)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with servers() as running, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        valkey = ValkeyServer(Path(folder))
        valkey.start()
        try:
            with server(running.database_url, valkey.url, folder) as (pid, port):
                uvloop.run(measure(Run(running.database_url, valkey, pid, port), arguments))
        finally:
            valkey.stop()


if __name__ == "__main__":
    main()
