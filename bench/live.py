"""The live feed: bytes a socket, time from commit to client, fan-out of a shared topic, outages of Redis.

The server is one process of ours, the clients are another, a plain relay is a third: it gets the same messages from
Redis and says how fast the machine is at the moment. The spends are real ones, made through the lanes of this process:
a balance is right when it is the one that the last commit of its wallet left.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import uvloop

from bench.database import servers
from bench.live_load import PLAIN, PLAIN_SOCKETS, Books, all_right, loaded, spend_request, spending
from bench.live_run import Process, Run, plain_relay, server
from bench.watchers import Ask, Heard, Watchers, watchers
from runtime import collector
from runtime.embedded_valkey import ValkeyServer

if TYPE_CHECKING:
    from db.lanes import Lanes

LOAD_SECONDS: Final = 20.0
IDLE_SECONDS: Final = 5.0
WARM_SOCKETS: Final = 200
OUTAGES_SECONDS: Final = (1, 12, 60)

ALERTS: Final = 15
ALERT_SECONDS: Final = 60.0
EMPTY_SECONDS: Final = 60.0
OWN_SUBSCRIPTIONS: Final = 3
"""The server's own: jobs, and keys that were revoked, to forget them and to end their streams."""


async def own_topics(run: Run, server: Process, books: Books, lanes: Lanes, clients: Watchers) -> None:
    """Open a socket for each wallet, then spend: memory and delays."""
    clients.heard = books.heard
    await clients.open(run.own(server, books.wallets[:WARM_SOCKETS], 0))
    await asyncio.sleep(1)
    before, cpu, rest = server.megabytes(), server.cpu_seconds(), books.wallets[WARM_SOCKETS:]
    seconds = await clients.open(run.own(server, rest, WARM_SOCKETS))
    await all_right(books)
    cost = (server.cpu_seconds() - cpu) / len(rest) * 1e3
    print(
        f"{len(books.wallets):,} sockets on own topics: {_kilobytes(server, before, len(rest))} each"
        f" ({len(rest) / seconds:,.0f} opened a second, {cost:.1f} ms of server CPU each)"
    )
    cpu = server.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    print(f"idle: server CPU {(server.cpu_seconds() - cpu) / IDLE_SECONDS * 100:.0f} %")
    with plain_relay(run) as plain:
        await clients.open(run.own(plain, books.wallets[:PLAIN_SOCKETS], PLAIN))
        await under_load(books, lanes, {"server": server, "plain relay": plain, "clients": Process(clients.pid)})
    print(f"wrong at the end {books.wrong()}; {_kilobytes(server, before, len(rest))} a socket after it")


async def under_load(books: Books, lanes: Lanes, parts: dict[str, Process]) -> None:
    """Spend, and say how long each message took and what it cost."""
    books.forget_delays()
    used = {name: part.cpu_seconds() for name, part in parts.items()}
    async with loaded(lanes, books.wallets):
        await asyncio.sleep(LOAD_SECONDS)
    await all_right(books)
    _say_delays(books, {name: part.cpu_seconds() - used[name] for name, part in parts.items()})


def _say_delays(books: Books, costs: dict[str, float]) -> None:
    messages, ours, plain = len(books.delays), _cuts(books.paired), _cuts(books.plain)
    each = {name: seconds / messages * 1e6 for name, seconds in costs.items()}
    each["plain relay"] = costs["plain relay"] / len(books.plain) * 1e6
    print(
        f"{messages / LOAD_SECONDS:,.0f} messages/s: {_spread(books.delays)}\n"
        f"  of {PLAIN_SOCKETS:,} wallets: {_spread(books.paired)}; plain relay, same messages: {_spread(books.plain)};"
        f" p50 x {ours[499] / plain[499]:.1f}, p99 x {ours[989] / plain[989]:.1f}\n"
        f"  CPU us a message: {', '.join(f'{name} {cost:,.0f}' for name, cost in each.items())}"
    )


def _kilobytes(server: Process, before: float, sockets: int) -> str:
    return f"{(server.megabytes() - before) * 1e6 / sockets / 1024:.1f} KB"


def _cuts(seconds: list[float]) -> list[float]:
    return statistics.quantiles(seconds, n=1000)


def _spread(seconds: list[float]) -> str:
    cuts = _cuts(seconds)
    return f"p50 {cuts[499] * 1e3:.1f} ms, p99 {cuts[989] * 1e3:.1f} ms, most {max(seconds) * 1e3:.1f} ms"


async def outage(run: Run, server: Process, books: Books, lanes: Lanes, seconds: float) -> None:
    """Stop Redis under load; from its return on, how long until every client is right."""
    async with loaded(lanes, books.wallets):
        await asyncio.to_thread(run.valkey.stop)
        await asyncio.sleep(seconds)
        behind = books.wrong()
        await asyncio.to_thread(run.valkey.start)
        returned, cpu = time.perf_counter(), server.cpu_seconds()
        await asyncio.sleep(0.5)
    await all_right(books)
    took, used = time.perf_counter() - returned, server.cpu_seconds() - cpu
    print(
        f"Redis gone for {seconds} s: {behind:,} clients behind; {took:.1f} s after its return {books.wrong()} wrong"
        f" (server CPU {used:.1f} s)"
    )


async def fan_out(run: Run, server: Process, books: Books, lanes: Lanes, clients: Watchers, asks: list[Ask]) -> None:
    """Alerts to clients of one topic: how long from the commit to the first and the last of them."""
    heard: list[Heard] = []
    clients.heard = heard.extend
    before = server.megabytes()
    await clients.open(asks)
    await asyncio.sleep(IDLE_SECONDS)
    each = _kilobytes(server, before, len(asks))
    first, last, cpu = [], [], server.cpu_seconds()
    for wallet in await dip_next(run, books, ALERTS):
        heard.clear()
        item = await lanes.spend(spend_request(wallet))
        async with asyncio.timeout(ALERT_SECONDS):
            while len(heard) < len(asks):  # noqa: ASYNC110 - clients have no event
                await asyncio.sleep(0.002)
        committed = books.when[wallet, item.wallet.sequence]
        first.append(min(event.came for event in heard) - committed)
        last.append(max(event.came for event in heard) - committed)
    cost = (server.cpu_seconds() - cpu) / ALERTS / len(asks) * 1e6
    print(
        f"  last client {statistics.median(last) * 1e3:.0f} ms (most {max(last) * 1e3:.0f}), first"
        f" {statistics.median(first) * 1e3:.0f} ms, CPU {cost:.0f} us a client, {each} a socket, nothing lost"
    )
    clients.close()


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
    books = Books(await run.prepare(arguments.sockets))
    # This process commits and publishes, so its collector is a server's.
    async with collector.paced(), watchers() as clients, spending(run.database_url, run.redis_url, books) as lanes:
        with server(run) as ours:
            await own_topics(run, ours, books, lanes, clients)
            for seconds in arguments.outages:
                await outage(run, ours, books, lanes, seconds)
            print(f"{clients.closed - PLAIN_SOCKETS} sockets were closed")
            clients.close()
            await emptied(ours)
        with server(run) as ours, plain_relay(run) as plain:
            for way in ("plain relay", "executed once", "executed for each") * arguments.rounds:
                part = plain if way == "plain relay" else ours
                print(f"{arguments.sockets // 2:,} sockets on one topic, {way}:")
                await fan_out(run, part, books, lanes, clients, run.shared(part, arguments.sockets // 2, way))
                await emptied(ours)


async def emptied(ours: Process) -> None:
    """Wait until the server has let go of every socket, then for its subscriptions, and say what is left."""
    async with asyncio.timeout(EMPTY_SECONDS):
        while await ours.gauge("coffer_live_connections"):  # noqa: ASYNC110 - a gauge has no event
            await asyncio.sleep(0.2)
    started = time.perf_counter()
    while (left := await ours.gauge("coffer_live_subscriptions")) > OWN_SUBSCRIPTIONS:
        if time.perf_counter() - started > EMPTY_SECONDS:
            break
        await asyncio.sleep(0.2)
    seconds = time.perf_counter() - started
    print(f"all closed: {left:.0f} subscriptions left after {seconds:.1f} s, {ours.megabytes():.0f} MB")


def main() -> None:
    """Measure on servers of the run's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--outages", type=int, nargs="*", default=OUTAGES_SECONDS)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with servers() as databases, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        valkey = ValkeyServer(Path(folder))
        valkey.start()
        try:
            uvloop.run(measure(Run(databases.database_url, valkey), arguments))
        finally:
            valkey.stop()


if __name__ == "__main__":
    main()
