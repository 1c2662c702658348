"""Payments under way while something breaks: their messages, the provider, and the proof at the end."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import httpx

from bench.database import fund
from bench.payment_database import PaidGateway, add_purchases, message
from db.handover import HANDED_SECONDS
from db.reconcile import reconcile
from domain.jobs import LEASE_SECONDS
from domain.purchases import PurchaseStatus
from runtime.process import handlers, open_coffer
from services.jobs import free_abandoned
from tests.api.conftest import serving
from tests.builders import free_port, settings_for
from tests.long import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateways.base import Payment
    from services.coffer import Coffer
    from services.jobs import Handler

PAYMENTS = examples(90, 5_000)
WALLETS = 7
SENDERS = 8
PATIENCE_SECONDS = 120.0
AGAIN_SECONDS = 0.05
HANDLERS: Mapping[str, Handler] = handlers(settings_for(1))


STUCK_SECONDS = 3
_LET_GO = """
  with held as (update job set leased_until = now()
      where state = 2 and leased_until < now() + make_interval(secs => $1)),
    handed as (update job set handed_until = null
      where state = 1 and handed_until < now() + make_interval(secs => $2))
  select 0"""
"""What a worker or the broker has had for STUCK_SECONDS is lost to it, as by the passing of its time."""


class LateBank(PaidGateway):
    """A provider that first calls every third payment failed, until the money has come."""

    money_came = False

    async def fetch_payment(self, order_id: str) -> Payment:
        """How the order stands."""
        paid = await super().fetch_payment(order_id)
        if self.money_came or int(order_id[1:]) % 3:
            return paid
        return replace(paid, status=PurchaseStatus.FAILED, payment_id=None, failure_reason="declined")


class Shop:
    """A server that takes messages in, without a worker, and purchases that wait for their payment."""

    def __init__(self, coffer: Coffer, bank: LateBank, database_url: str, url: str) -> None:
        self.coffer, self.url, self.kept = coffer, url, 0
        self._bank, self._database_url = bank, database_url

    async def deliver(self) -> None:
        """Tell of every payment twice in any order, some a third time, each until it is kept, as providers do."""
        chance = random.Random(7)
        first = [*range(1, PAYMENTS + 1), *chance.choices(range(1, PAYMENTS + 1), k=PAYMENTS // 5)]
        chance.shuffle(first)
        await self._send(first, 0)
        self._bank.money_came = True
        chance.shuffle(first)
        await self._send(first, PAYMENTS)

    async def settled(self) -> None:
        """Wait until no message waits; what a fault left in the hands of nobody comes back when its lease passes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.count("select count(*) from job where state < 3 and kind = 'gateway.event'"):
                await self.count(_LET_GO, LEASE_SECONDS - STUCK_SECONDS, HANDED_SECONDS - STUCK_SECONDS)
                await free_abandoned(self.coffer)
                await asyncio.sleep(AGAIN_SECONDS)

    async def until_kept(self, messages: int) -> None:
        """Wait until that many messages were taken in."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.kept < messages:  # noqa: ASYNC110 - the senders count
                await asyncio.sleep(0.001)

    async def proof(self) -> dict[str, object]:
        """What has to be true in the end."""
        grants = "select count(*), count(distinct source_id), sum(amount) from credit_transaction where source = 2"
        money = "select count(distinct purchase_id), sum(amount_minor) from money_entry"
        connection = await asyncpg.connect(self._database_url)
        found = {
            "paid": await connection.fetchval("select count(*) from purchase where status = 3"),
            "granted": [tuple(row) for row in await connection.fetch(grants)],
            "booked": [tuple(row) for row in await connection.fetch(money)],
            "dead": await connection.fetchval("select count(*) from job where state = 4"),
        }
        await connection.close()
        return found | {"violations": (await reconcile(self._database_url))["violations"]}

    async def count(self, query: str, *words: float) -> int:
        """Ask the database."""
        connection = await asyncpg.connect(self._database_url)
        try:
            return int(await connection.fetchval(query, *words) or 0)
        finally:
            await connection.close()

    async def _send(self, numbers: list[int], offset: int) -> None:
        work = iter(numbers)
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            await asyncio.gather(*(self._sender(client, work, offset) for _ in range(SENDERS)))

    async def _sender(self, client: httpx.AsyncClient, work: object, offset: int) -> None:
        for number in work:  # type: ignore[attr-defined]  # an iterator that the senders share
            one = message(number, f"msg_{number + offset}")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    answer = await client.post("/webhooks/simulated", content=one.body, headers=dict(one.headers))
                    if answer.status_code == 200:
                        break
                    await asyncio.sleep(AGAIN_SECONDS)
            self.kept += 1


GRANTED = {
    "paid": PAYMENTS,
    "granted": [(2 * PAYMENTS, PAYMENTS, 5_500 * PAYMENTS)],
    "booked": [(PAYMENTS, 60_200 * PAYMENTS)],
    "dead": 0,
    "violations": 0,
}


@asynccontextmanager
async def shop(database_url: str, redis_url: str) -> AsyncIterator[Shop]:
    """Open the shop."""
    await fund(database_url, WALLETS)
    await add_purchases(database_url, 1, PAYMENTS)
    settings, bank = settings_for(free_port()), LateBank()
    async with open_coffer(settings, database_url, redis_url) as opened:
        coffer = replace(opened, gateways={"simulated": bank})
        async with serving(coffer, settings):
            yield Shop(coffer, bank, database_url, settings.public_url)
    await bank.close()
