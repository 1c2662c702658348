"""Refunds and disputes that begin at Cashfree, Stripe or Polar: told by their webhooks, shown by GraphQL."""

from __future__ import annotations

import base64
import hmac
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import update
from stripe import WebhookSignature

from db.models.purchases import Purchase
from db.reconcile import reconcile
from services import refunds, reversals
from services.simulated_provider import signed_headers
from tests.api.test_payments import REFUND, until
from tests.api.test_providers import SECRET, Providers, balance, buy, deliver, providers, settings, until_balance
from tests.gateways.fake_cashfree import CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.coffer import Coffer
    from tests.api.client import Client
    from tests.api.conftest import Api

__all__ = ["providers", "settings"]
"""Fixtures."""

REFUNDS = "query($id: ID!) { refunds(purchaseId: $id) { nodes { status origin credits total { amountMinor } } } }"
DISPUTES = "{ disputes { nodes { id status frozenCredits purchaseId } } }"


class Side(Protocol):
    """What the buyer, the bank and somebody at the dashboard do at one provider."""

    def pay(self) -> None:
        """Let the buyer pay."""

    def refund_a_fifth(self) -> None:
        """As somebody at the dashboard does."""

    def dispute_the_rest(self) -> None:
        """As the buyer's bank does."""

    def lose(self) -> None:
        """Let the bank decide for the buyer."""

    async def tell(self, client: Client, about: str) -> None:
        """Send the message about the payment, a refund or a dispute."""


class Cashfree:
    """Cashfree, by its order's id."""

    def __init__(self, provider: Providers) -> None:
        self.fake = provider.cashfree

    def pay(self) -> None:
        """Let the buyer pay."""
        [self.order] = self.fake.orders
        self.fake.attempt(self.order, "SUCCESS")

    def refund_a_fifth(self) -> None:
        """As somebody at the dashboard does."""
        self.fake.refund(self.order, "by-hand", 120.40)

    def dispute_the_rest(self) -> None:
        """As the buyer's bank does."""
        self.dispute = self.fake.dispute(self.order, 481.60)

    def lose(self) -> None:
        """Let the bank decide for the buyer."""
        self.dispute["dispute_status"] = "CHARGEBACK_MERCHANT_LOST"

    async def tell(self, client: Client, about: str) -> None:
        """Send the message that says so."""
        data: dict[str, Any] = {"order": {"order_id": self.order}, "payment": {"cf_payment_id": 1}}
        refund = {"cf_refund_id": uuid4().hex, "refund_status": "SUCCESS", "order_id": self.order}
        dispute = {"dispute": {"dispute_id": "433447817"}, "order_details": {"order_id": self.order}}
        data = {"payment": data, "refund": {"refund": refund}, "dispute": dispute}[about]
        types = {"payment": "PAYMENT_SUCCESS_WEBHOOK", "refund": "REFUND_STATUS_WEBHOOK", "dispute": "DISPUTE_UPDATED"}
        body = orjson.dumps({"type": types[about], "data": data, "event_time": uuid4().hex})
        timestamp = str(int(time.time() * 1000))
        digest = hmac.digest(CLIENT_SECRET.encode(), timestamp.encode() + body, "sha256")
        headers = {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(digest).decode()}
        await deliver(client, "cashfree", body, headers)


class Stripe:
    """Stripe, by its intent."""

    def __init__(self, provider: Providers) -> None:
        self.fake = provider.stripe

    def pay(self) -> None:
        """Let the buyer pay."""
        [self.session] = self.fake.sessions
        paid = {"intent": "succeeded", "payment_status": "paid", "status": "complete"}
        self.fake.attempt(self.session, error=None, **paid)

    def refund_a_fifth(self) -> None:
        """As somebody at the dashboard does."""
        self.fake.refund("pi_1", 12_040)

    def dispute_the_rest(self) -> None:
        """As the buyer's bank does."""
        self.dispute = self.fake.dispute("pi_1", 48_160)

    def lose(self) -> None:
        """Let the bank decide for the buyer."""
        self.dispute["status"] = "lost"

    async def tell(self, client: Client, about: str) -> None:
        """Send the message that says so."""
        payment = ("checkout.session.completed", {"id": self.session})
        dispute = ("charge.dispute.updated", {"id": "du_0", "payment_intent": "pi_1"})
        refund = ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"})
        type_, about_what = {"payment": payment, "dispute": dispute, "refund": refund}[about]
        body = orjson.dumps({"id": f"evt_{uuid4().hex}", "type": type_, "data": {"object": about_what}})
        signature = WebhookSignature.generate_signature_header(body.decode(), SECRET)
        await deliver(client, "stripe", body, {"stripe-signature": signature})


class Polar:
    """Polar, by the order that came of the checkout; it has no messages of disputes."""

    def __init__(self, provider: Providers) -> None:
        self.fake = provider.polar

    def pay(self) -> None:
        """Let the buyer pay."""
        [self.checkout] = self.fake.checkouts
        self.order = self.fake.pay(self.checkout)

    def refund_a_fifth(self) -> None:
        """As somebody at the dashboard does."""
        self.fake.refund(self.order, 10_000)

    def dispute_the_rest(self) -> None:
        """As the buyer's bank does."""
        self.dispute = self.fake.dispute(self.order, 40_000)

    def lose(self) -> None:
        """Let the bank decide for the buyer."""
        self.dispute["status"] = "lost"

    async def tell(self, client: Client, about: str) -> None:
        """Send the message that says so; a dispute is found when anything is told of what went back."""
        data = {"checkout_id": self.checkout} if about == "payment" else {"order_id": self.order}
        body = orjson.dumps({"type": "order.paid" if about == "payment" else "refund.updated", "data": data})
        await deliver(client, "polar", body, signed_headers(SECRET, f"msg_{uuid4().hex}", body))


GATEWAYS: dict[str, Callable[[Providers], Side]] = {"cashfree": Cashfree, "stripe": Stripe, "polar": Polar}


@pytest.mark.parametrize("name", GATEWAYS)
async def test_what_begins_at_the_provider(api: Api, providers: Providers, database_url: str, name: str) -> None:
    """A refund at the dashboard takes its part, a dispute freezes the rest; lost, all of it is refunded."""
    client, provider = await api.client(), GATEWAYS[name](providers)
    wallet, purchase = await buy(client, name)
    provider.pay()
    await provider.tell(client, "payment")
    await until(client, purchase["id"], "SUCCESS")
    provider.refund_a_fifth()
    await provider.tell(client, "refund")
    await until_balance(client, wallet, 4_400)
    provider.dispute_the_rest()
    await provider.tell(client, "dispute")
    await until_balance(client, wallet, 0)
    [dispute] = (await client.run(DISPUTES))["nodes"]
    words = {"id": dispute["id"], "status": "OPEN", "frozenCredits": 4_400, "purchaseId": purchase["id"]}
    assert dispute == words
    provider.lose()
    await provider.tell(client, "dispute")
    await until(client, purchase["id"], "REFUNDED")
    found = (await client.run(REFUNDS, id=purchase["id"]))["nodes"]
    assert [(row["origin"], row["status"], row["credits"]) for row in found] == [
        ("DISPUTE", "SUCCEEDED", 4_400),
        ("PROVIDER", "SUCCEEDED", 1_100),
    ]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_refund_told_before_its_payment(api: Api, providers: Providers, database_url: str) -> None:
    """When the message of the refund overtakes that of the payment, both are done in the end, each once."""
    client, provider = await api.client(), Cashfree(providers)
    wallet, purchase = await buy(client, "cashfree")
    provider.pay()
    provider.refund_a_fifth()
    for _ in range(2):
        await provider.tell(client, "refund")
    await provider.tell(client, "payment")
    await until(client, purchase["id"], "SUCCESS")
    await until_balance(client, wallet, 4_400)
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_pending_refund_is_followed_without_a_message(
    api: Api,
    providers: Providers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refund that the provider takes its time over is asked about until it is through."""
    monkeypatch.setattr(refunds, "WATCH_SECONDS", 0)
    client, provider = await api.client(), Cashfree(providers)
    wallet, purchase = await buy(client, "cashfree")
    provider.pay()
    await provider.tell(client, "payment")
    await until(client, purchase["id"], "SUCCESS")
    providers.cashfree.refund_status = "PENDING"
    await client.run(REFUND, id=purchase["id"], amount=None, key="all")
    await providers.cashfree.refunded.wait()
    [made] = providers.cashfree.refunds.values()
    assert await balance(client, wallet) == 0
    made["refund_status"] = "SUCCESS"
    await until(client, purchase["id"], "REFUNDED")


@pytest.mark.parametrize("name", GATEWAYS)
async def test_what_goes_back_is_found_without_a_message(api: Api, providers: Providers, name: str) -> None:
    """A refund and a dispute whose messages were lost are found when the purchase is a day old."""
    client, provider = await api.client(), GATEWAYS[name](providers)
    wallet, purchase = await buy(client, name)
    provider.pay()
    await provider.tell(client, "payment")
    await until(client, purchase["id"], "SUCCESS")
    provider.refund_a_fifth()
    provider.dispute_the_rest()
    await grow_old(api.coffer, days=1)
    await reversals.sweep_reversals(api.coffer)
    await until_balance(client, wallet, 0)
    found = (await client.run(REFUNDS, id=purchase["id"]))["nodes"]
    assert [(row["origin"], row["status"], row["credits"]) for row in found] == [("PROVIDER", "SUCCEEDED", 1_100)]
    assert [one["status"] for one in (await client.run(DISPUTES))["nodes"]] == ["OPEN"]


async def grow_old(coffer: Coffer, days: int) -> None:
    """Make every purchase so many days old."""
    async with coffer.database.transaction() as session:
        await session.execute(update(Purchase).values(created_at=coffer.clock() - timedelta(days=days)))
