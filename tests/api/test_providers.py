"""Purchases through Cashfree, Stripe and Polar: GraphQL on one side, stand-ins of the providers on the other."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from stripe import WebhookSignature

from db.reconcile import reconcile
from gateways.accounts import GatewayAccounts
from services import purchases
from services.gateways import give_gateways
from services.simulated_provider import signed_headers
from tests.api.test_payments import BALANCE, BUY, CREATE, REFUND, RETRY, until
from tests.builders import free_port, settings_for
from tests.gateways.fake_cashfree import CLIENT_SECRET, FakeCashfree
from tests.gateways.fake_cashfree import account as cashfree_account
from tests.gateways.fake_polar import FakePolar
from tests.gateways.fake_polar import account as polar_account
from tests.gateways.fake_stripe import FakeStripe
from tests.gateways.fake_stripe import account as stripe_account
from tests.gateways.prism import serving
from tests.waiting import found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from tests.api.client import Client
    from tests.api.conftest import Api

SECRET = "whsec_1"  # noqa: S105 - of stand-ins
QUOTE = """query($gateway: String) { purchaseQuote(packCode: "PACK_500", gateway: $gateway) {
  total { amountMinor } gst { amountMinor } } }"""


@dataclass
class Providers:
    """The stand-ins of this test."""

    cashfree: FakeCashfree = field(default_factory=FakeCashfree)
    stripe: FakeStripe = field(default_factory=FakeStripe)
    polar: FakePolar = field(default_factory=FakePolar)


@pytest.fixture
def providers() -> Providers:
    """New stand-ins."""
    return Providers()


@pytest.fixture
async def settings(providers: Providers) -> AsyncIterator[Settings]:
    """Settings of a process with an account at each of them, and no play money."""
    async with (
        serving(providers.cashfree.app()) as cashfree,
        serving(providers.stripe.app()) as stripe,
        serving(providers.polar.app()) as polar,
    ):
        accounts = GatewayAccounts(
            cashfree=cashfree_account(cashfree),
            stripe=stripe_account(stripe),
            polar=polar_account(polar),
            has_simulated=False,
        )
        yield settings_for(free_port(), accounts=accounts)


async def buy(client: Client, gateway: str) -> tuple[str, dict[str, Any]]:
    """A wallet and a purchase of PACK_500 that has begun."""
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_500", "method": "UPI", "idempotencyKey": "b", "gateway": gateway}
    bought = await client.run(BUY, input=words)
    assert bought["errors"] == []
    return wallet, bought["purchase"]


async def deliver(client: Client, gateway: str, body: bytes, headers: dict[str, str]) -> None:
    """Send a webhook as the provider does."""
    answer = await client.http.post(f"/webhooks/{gateway}", content=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def tell_cashfree(client: Client, order_id: str, status: str) -> None:
    """What Cashfree says of an attempt."""
    payment = {"cf_payment_id": f"{order_id}-{status}", "payment_status": status}
    data = {"order": {"order_id": order_id}, "payment": payment}
    body = orjson.dumps({"type": f"PAYMENT_{status}_WEBHOOK", "data": data})
    timestamp = str(int(time.time() * 1000))
    digest = hmac.digest(CLIENT_SECRET.encode(), timestamp.encode() + body, "sha256")
    headers = {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(digest).decode()}
    await deliver(client, "cashfree", body, headers)


async def balance(client: Client, wallet: str) -> int:
    return int((await client.run(BALANCE, id=wallet))["availableCredits"])


async def until_balance(client: Client, wallet: str, expected: int) -> None:
    """Wait until the wallet has that many credits."""
    await found(lambda: balance(client, wallet), lambda credits: credits == expected)


async def test_cashfree_from_purchase_to_refund(api: Api, providers: Providers) -> None:
    """A paid order gives the credits once its webhook came; a refund takes them and sends 602 rupees back."""
    client = await api.client()
    wallet, purchase = await buy(client, "cashfree")
    [order_id] = providers.cashfree.orders
    providers.cashfree.attempt(order_id, "SUCCESS")
    await tell_cashfree(client, order_id, "SUCCESS")
    await until(client, purchase["id"], "SUCCESS")
    assert await balance(client, wallet) == 5_500
    await client.run(REFUND, id=purchase["id"], amount=None, key="all")
    await until(client, purchase["id"], "REFUNDED")
    assert [refund["refund_amount"] for refund in providers.cashfree.refunds.values()] == [602]
    assert await balance(client, wallet) == 0


async def test_stripe_from_purchase_to_refund(api: Api, providers: Providers) -> None:
    """The same with a Checkout Session; both of Stripe's messages of one payment grant once."""
    client = await api.client()
    wallet, purchase = await buy(client, "stripe")
    [session] = providers.stripe.sessions
    providers.stripe.attempt(session, intent="succeeded", payment_status="paid", status="complete", error=None)
    for event_id in ("evt_1", "evt_2"):
        words = {"id": event_id, "type": "checkout.session.completed", "data": {"object": {"id": session}}}
        body = orjson.dumps(words)
        signature = WebhookSignature.generate_signature_header(body.decode(), SECRET)
        await deliver(client, "stripe", body, {"stripe-signature": signature})
    await until(client, purchase["id"], "SUCCESS")
    assert await balance(client, wallet) == 5_500
    await client.run(REFUND, id=purchase["id"], amount=None, key="all")
    await until(client, purchase["id"], "REFUNDED")
    assert [(one["payment_intent"], one["amount"]) for one in providers.stripe.refunds] == [("pi_1", 60_200)]


async def test_polar_from_purchase_to_refund(api: Api, providers: Providers) -> None:
    """Polar sells in its own name: it is asked for the price alone, and gives the price alone back."""
    client = await api.client()
    wallet, purchase = await buy(client, "polar")
    [checkout] = providers.polar.checkouts
    assert providers.polar.checkouts[checkout]["amount"] == 50_000
    providers.polar.pay(checkout)
    body = orjson.dumps({"type": "order.paid", "data": {"checkout_id": checkout}})
    await deliver(client, "polar", body, signed_headers(SECRET, "msg_1", body))
    await until(client, purchase["id"], "SUCCESS")
    assert await balance(client, wallet) == 5_500
    await client.run(REFUND, id=purchase["id"], amount=None, key="all")
    await until(client, purchase["id"], "REFUNDED")
    assert [refund["amount"] for refund in providers.polar.refunds] == [50_000]


async def test_a_quote_says_whose_tax_it_is(api: Api) -> None:
    """A merchant of record adds its own tax, so its quote has none of ours."""
    client = await api.client()
    ours, theirs = [await client.run(QUOTE, gateway=gateway) for gateway in (None, "polar")]
    assert ours == {"total": {"amountMinor": 60_200}, "gst": {"amountMinor": 9_000}}
    assert theirs == {"total": {"amountMinor": 50_000}, "gst": {"amountMinor": 0}}


async def test_a_lost_webhook_costs_no_money(api: Api, providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed attempt whose buyer tries again on the page is followed until the money came, without any webhook."""
    monkeypatch.setattr(purchases, "FOLLOW_UP_SECONDS", 0)
    client = await api.client()
    wallet, purchase = await buy(client, "cashfree")
    [order_id] = providers.cashfree.orders
    providers.cashfree.attempt(order_id, "FAILED")
    await until(client, purchase["id"], "FAILED")
    providers.cashfree.attempt(order_id, "SUCCESS")
    await until(client, purchase["id"], "SUCCESS")
    assert await balance(client, wallet) == 5_500


async def test_a_purchase_that_is_paid_twice_gives_one_payment_back(
    api: Api, providers: Providers, database_url: str
) -> None:
    """When the orders of both attempts are paid, the credits come once and the second payment goes back whole."""
    client = await api.client()
    wallet, purchase = await buy(client, "cashfree")
    [first] = providers.cashfree.orders
    providers.cashfree.attempt(first, "FAILED")
    await tell_cashfree(client, first, "FAILED")
    await until(client, purchase["id"], "FAILED")
    await client.run(RETRY, id=purchase["id"], key="again")
    second = next(order_id for order_id in providers.cashfree.orders if order_id != first)
    for order_id, payment_id in ((second, "2"), (first, "1")):
        providers.cashfree.attempt(order_id, "SUCCESS", cf_payment_id=payment_id)
        await tell_cashfree(client, order_id, "SUCCESS")
        await until(client, purchase["id"], "SUCCESS")
    await until_refunded(providers.cashfree, first)
    assert await balance(client, wallet) == 5_500
    assert (await reconcile(database_url))["violations"] == 0


async def until_refunded(provider: FakeCashfree, order_id: str) -> None:
    """Wait for the one refund of an order's whole payment."""
    await provider.refunded.wait()
    [refund] = provider.refunds.values()
    assert (refund["order_id"], refund["refund_amount"]) == (order_id, 602)


async def test_a_project_uses_the_gateways_it_was_given(api: Api) -> None:
    """The first one is the default, and others are refused by name."""
    client = await api.client()
    assert await client.run("{ gateways }") == ["cashfree", "stripe", "polar"]
    assert await give_gateways(api.coffer, "test", ["polar", "stripe"]) == ["polar", "stripe"]
    assert await client.run("{ gateways }") == ["polar", "stripe"]
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_500", "method": "UPI", "idempotencyKey": "b", "gateway": "cashfree"}
    refused = await client.run(BUY, input=words)
    assert [error["code"] for error in refused["errors"]] == ["INVALID_INPUT"]
    assert "polar, stripe" in refused["errors"][0]["message"]


async def test_the_simulated_provider_is_away(api: Api) -> None:
    """Beside real providers there is no play money: neither its webhooks nor its pages answer."""
    client = await api.client()
    assert (await client.http.post("/webhooks/simulated", content=b"{}")).status_code == 404
    assert (await client.http.post("/simulated/orders", content=b"{}")).status_code == 404


async def test_the_page_that_opens_cashfree(api: Api) -> None:
    """It loads Cashfree's script and ours, may talk to Cashfree alone, and is the same for every order."""
    page = await (await api.client()).http.get("/checkout/cashfree")
    assert page.status_code == 200
    assert 'src="https://sdk.cashfree.com/js/v3/cashfree.js"' in page.text
    assert 'data-mode="sandbox"' in page.text
    assert "script-src 'self' https://*.cashfree.com;" in page.headers["content-security-policy"]


async def test_the_page_to_come_back_to(api: Api) -> None:
    """It promises nothing: the browser's word proves no payment."""
    page = await (await api.client()).http.get("/checkout/return?order_id=1")
    assert (page.status_code, "as soon as the payment is confirmed" in page.text) == (200, True)
