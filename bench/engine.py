"""Spends a second: our lanes, a textbook ORM transaction, and two ceilings, in one interleaved run.

Both ceilings write the same rows into the same table with the same indexes and checks by UNNEST inserts over as many
connections as there are lanes, and decide nothing, change no balance and keep no rollup. The first is what the same
callers would get from an engine without rules: each waits for the commit of its own row, through the same queue. The
bare one has no callers: whole batches, made before the clock starts.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import uvloop
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from bench.database import FUNDS, fund, servers
from db.lanes import LANES, Lanes
from db.link import BATCH_REQUESTS, Link
from db.migrate import driver_url
from db.models.ledger import CreditTransaction, UsageRollup, Wallet
from db.reconcile import reconcile
from db.rows import Posting, Row
from db.spends import SpendRequest, Spent, key_uuid
from domain.ledger import Account, TransactionSource, TransactionType
from runtime import collector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from db.known_wallets import KnownWallets

ROUNDS = 5
CALLERS = 2_000
OURS, TEXTBOOK, CEILING = 40_000, 600, 60_000
"""Spends of one round."""

_numbers = count()
_after: dict[int, int] = {}
_COLUMNS = (
    "wallet_id, sequence, amount, balance_before, balance_after, units, created_at, api_key_id, price_version, type,"
    " source, from_account, to_account, category, key_hash, idempotency_key, feature, member, metadata"
)
_POSTED = Posting(0, 1, None, 1, 1, 0, 1, datetime.now(UTC), 2, 1, None)
_NOTHING = Row({})
_CEILING = (
    f"insert into credit_transaction ({_COLUMNS}) select w, s, 1, b, b - 1, 1, now(), null, 1, 2, 1, 1, 12, 2, h, k,"  # noqa: S608
    " 'API_BASIC_REQUEST', null, null from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[])"
    " t(w, s, b, h, k)"
)


async def lanes_round(lanes: Lanes, wallets: Sequence[int]) -> float:
    """Spends a second through the lanes with CALLERS callers; the requests are made before the clock starts."""
    left = iter([_request(wallets[number % len(wallets)]) for number in range(OURS)])

    async def caller() -> None:
        for request in left:
            await lanes.spend(request)

    return await _timed(OURS, [caller() for _ in range(CALLERS)])


def _request(wallet: int) -> SpendRequest:
    key = f"spend-{next(_numbers)}"
    return SpendRequest(wallet, key, key_uuid(key), "API_BASIC_REQUEST", 1, None, None, None, None)


class BareLink(Link):
    """A link to a database without rules: one row a request, as in the bare ceiling."""

    def __init__(self, url: str, known: KnownWallets) -> None:
        super().__init__(url, known)
        self._url = url

    async def open(self) -> None:
        """Connect."""
        self._connection = await asyncpg.connect(self._url)

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()

    async def post(self, requests: Sequence[SpendRequest]) -> list[Spent]:
        """Insert the rows."""
        wallets = [request.wallet_id for request in requests]
        numbers = [_following(wallet) for wallet in wallets]
        hashes, keys = [request.key_hash for request in requests], [request.idempotency_key for request in requests]
        await self._connection.execute(_CEILING, wallets, numbers, [FUNDS] * len(wallets), hashes, keys)
        return [Spent(request, _POSTED, _NOTHING) for request in requests]


def _following(wallet: int) -> int:
    """The next sequence of a ceiling's wallet."""
    _after[wallet] = _after.get(wallet, 10**9) + 1
    return _after[wallet]


async def textbook_round(sessions: Any, wallets: Sequence[int]) -> float:  # noqa: ANN401 - a session maker
    """Spends a second by SELECT ... FOR UPDATE, change, insert, commit, with 32 connections."""
    left = iter(range(TEXTBOOK))

    async def caller() -> None:
        for number in left:
            await textbook_spend(sessions, wallets[number % len(wallets)], f"spend-{next(_numbers)}")

    return await _timed(TEXTBOOK, [caller() for _ in range(32)])


async def textbook_spend(sessions: Any, wallet_id: int, key: str) -> None:  # noqa: ANN401 - a session maker
    """One spend as a textbook writes it."""
    now = datetime.now(UTC)
    async with sessions() as session, session.begin():
        wallet = (await session.scalars(select(Wallet).where(Wallet.id == wallet_id).with_for_update())).one()
        hashed = key_uuid(key)
        known = select(CreditTransaction).where(
            CreditTransaction.wallet_id == wallet_id, CreditTransaction.key_hash == hashed
        )
        assert (await session.scalars(known)).one_or_none() is None
        row = CreditTransaction(wallet_id=wallet_id, amount=1, units=1, created_at=now, price_version=1, category=2)
        row.balance_before, row.balance_after = wallet.available_credits, wallet.available_credits - 1
        row.type, row.source = TransactionType.USAGE_DEDUCTION, TransactionSource.CONSUME
        row.from_account, row.to_account = Account.AVAILABLE, Account.USAGE_REVENUE
        row.key_hash, row.idempotency_key, row.feature = hashed, key, "API_BASIC_REQUEST"
        row.sequence = wallet.sequence = wallet.sequence + 1
        wallet.available_credits -= 1
        wallet.lifetime_used_credits += 1
        session.add(row)
        await session.flush()
        await session.execute(_rollup(wallet_id, now))


def _rollup(wallet_id: int, now: datetime) -> Any:  # noqa: ANN401 - a statement
    words = {"wallet_id": wallet_id, "day": now.date(), "feature": "API_BASIC_REQUEST", "member": "", "category": 2}
    figures = {"events": 1, "units": 1, "credits": 1, "last_activity_at": now}
    new = insert(UsageRollup).values(**words, **figures)
    change = {name: getattr(UsageRollup, name) + getattr(new.excluded, name) for name in ("events", "units", "credits")}
    return new.on_conflict_do_update(index_elements=["wallet_id", "day", "feature", "member"], set_=change)


async def ceiling_round(connections: Sequence[Any], wallets: Sequence[int]) -> float:
    """Bare rows a second: the same rows in batches of BATCH_REQUESTS, nothing checked or changed beside them."""
    batches = []
    for start in range(0, CEILING, BATCH_REQUESTS):
        rows = [wallets[number % len(wallets)] for number in range(start, start + BATCH_REQUESTS)]
        numbers = [_following(wallet) for wallet in rows]
        keys = [f"spend-{next(_numbers)}" for _ in rows]
        batches.append((rows, numbers, [FUNDS] * len(rows), [uuid4() for _ in rows], keys))
    left = iter(batches)

    async def writer(connection: Any) -> None:  # noqa: ANN401 - a connection
        for batch in left:
            await connection.execute(_CEILING, *batch)

    return await _timed(CEILING, [writer(connection) for connection in connections])


async def _timed(spends: int, work: Sequence[Awaitable[None]]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*work)
    return spends / (time.perf_counter() - started)


async def measure(url: str, ids: Sequence[int]) -> None:
    """Print the medians and ratios of ROUNDS interleaved rounds, spread over 1,000 wallets and on a hot one."""
    lanes = Lanes(url, lambda _batch: None)
    ruleless = Lanes(url, lambda _batch: None, BareLink)
    await lanes.connect()
    await ruleless.connect()
    engine = create_async_engine(driver_url(url), pool_size=32, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    bare = [await asyncpg.connect(url) for _ in range(LANES)]
    # The ceiling's rows go to wallets that do not exist, so that the books stay right.
    kinds: dict[str, Callable[[Sequence[int]], Awaitable[float]]] = {
        "lanes": lambda wallets: lanes_round(lanes, wallets),
        "textbook": lambda wallets: textbook_round(sessions, wallets),
        "ceiling": lambda wallets: lanes_round(ruleless, [wallet + 10**6 for wallet in wallets]),
        "bare": lambda wallets: ceiling_round(bare, [wallet + 10**6 for wallet in wallets]),
    }
    print("| spends a second | lanes | textbook | ceiling | bare ceiling | x textbook | of the ceiling | of the bare |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, wallets in (("spread over 1,000 wallets", ids), ("one hot wallet", ids[:1])):
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, run in kinds.items():
                found[kind].append(await run(wallets))
            await bare[0].execute("checkpoint")
        middle = {kind: statistics.median(values) for kind, values in found.items()}
        shares = [middle["lanes"] / middle[kind] for kind in ("textbook", "ceiling", "bare")]
        figures = " | ".join(f"{value:,.0f}" for value in middle.values())
        print(f"| {name} | {figures} | {shares[0]:.0f} | {shares[1]:.2f} | {shares[2]:.2f} |", flush=True)
    await lanes.close()
    await ruleless.close()
    await engine.dispose()
    for connection in bare:
        await connection.close()


async def check(url: str) -> None:
    """The books after the run: the ceiling's rows have no wallet, everything else must add up."""
    report = await reconcile(url)
    connection = await asyncpg.connect(url)
    version = await connection.fetchval("show server_version")
    await connection.close()
    print(f"\nPostgreSQL {version}, fsync on, synchronous_commit on; {report['transactions']:,} rows; ", end="")
    print(f"violations: {report['violations']}")
    assert report["violations"] == 0, report


def main() -> None:
    """Measure on servers of the run's own."""
    with servers() as running:
        collector.calm()
        ids = uvloop.run(fund(running.database_url))
        uvloop.run(measure(running.database_url, ids))
        uvloop.run(check(running.database_url))


if __name__ == "__main__":
    main()
