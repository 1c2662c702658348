"""Purchases that wait for their payment, and a provider that says at once that each was paid."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING, Final

import asyncpg
import orjson

from domain.purchases import PurchaseStatus
from gateways.base import Payment
from gateways.simulated import SimulatedGateway
from services.simulated_provider import signed_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET: Final = "whsec_" + "be" * 32
TOTAL: Final = 60_200
_PURCHASES: Final = """
  with made as (
    insert into purchase (uuid, project_id, wallet_id, wallet_uuid, status, method, gateway, amount_minor, gst_minor,
      platform_fee_minor, credits, bonus_credits, currency, order_id, idempotency_key)
    select md5('purchase ' || g)::uuid, 1, w.id, w.uuid, 2, 1, 'simulated', 50000, 9000, 1200, 5500, 500, 'INR',
      'o' || g, 'k' || g
    from generate_series($1::bigint, $2::bigint) g
    join (select id, uuid, row_number() over (order by id) - 1 as place, count(*) over () as wallets from wallet) w
      on w.place = g % w.wallets
    returning id, order_id)
  insert into purchase_order (gateway, order_id, purchase_id) select 'simulated', order_id, id from made"""


@dataclass(frozen=True, slots=True)
class Message:
    """A signed message of one payment, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes


class PaidGateway(SimulatedGateway):
    """Verifies as the simulated provider's client does; every order it is asked about was paid, without a call."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", [SECRET])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Say that the order was paid."""
        reference = f"{md5(f'purchase {order_id[1:]}'.encode(), usedforsecurity=False).hexdigest()}-1"
        return Payment(order_id, reference, f"pay_{order_id}", PurchaseStatus.SUCCESS, TOTAL, "INR")


def message(number: int, event_id: str | None = None) -> Message:
    """The message of a payment, or another one about it by an id of its own."""
    body = orjson.dumps({"type": "payment.succeeded", "data": {"order_id": f"o{number}", "status": "paid"}})
    return Message(signed_headers(SECRET, event_id or f"msg_{number}", body), body)


async def add_purchases(database_url: str, first: int, last: int) -> None:
    """Write purchases that wait for their payment."""
    connection = await asyncpg.connect(database_url)
    for start in range(first, last + 1, 50_000):
        await connection.execute(_PURCHASES, start, min(start + 49_999, last), timeout=600)
    await connection.execute("analyze purchase, purchase_order")
    await connection.close()
