"""Subscriptions over GraphQL: Stripe's and Polar's through stand-ins, and the simulated one by its page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from stripe import WebhookSignature

from services import purchases
from services.simulated_provider import signed_headers
from tests.api.test_payments import CREATE, until
from tests.api.test_providers import SECRET, Providers, balance, deliver, until_balance
from tests.api.test_providers import providers as providers  # noqa: PLC0414 - a fixture
from tests.api.test_providers import settings as settings  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    import pytest

    from tests.api.client import Client
    from tests.api.conftest import Api

START = """mutation($input: StartSubscriptionInput!) { startSubscription(input: $input) {
  subscription { id status } purchase { id checkoutUrl subscriptionId } errors { code message } } }"""
CANCEL = "mutation($id: ID!) { cancelSubscription(id: $id) { subscription { status } errors { code } } }"
WATCH = "subscription($id: ID!) { creditSubscriptionUpdated(id: $id) { status paidUntil } }"
READ = "query($id: ID!) { subscription(id: $id) { status paidUntil quote { credits } } }"


async def start(client: Client, gateway: str) -> tuple[str, dict[str, Any]]:
    """A wallet, and a monthly subscription that has begun."""
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_500", "interval": "MONTH", "method": "CREDIT_CARD"}
    begun = await client.run(START, input=words | {"idempotencyKey": "s", "gateway": gateway})
    assert begun["errors"] == []
    assert begun["purchase"]["subscriptionId"] == begun["subscription"]["id"]
    return wallet, begun


async def until_status(client: Client, subscription: str, status: str) -> dict[str, Any]:
    """Wait for a status; the stream tells of every change."""
    async with asyncio.timeout(20), client.watch(WATCH, id=subscription) as stream:
        while (now := await stream.next())["status"] != status:
            pass
    return dict(now)


async def tell_stripe(client: Client, event_id: str, type_: str, about: dict[str, Any]) -> None:
    """Send one of Stripe's messages."""
    body = orjson.dumps({"id": event_id, "type": type_, "data": {"object": about}})
    signature = WebhookSignature.generate_signature_header(body.decode(), SECRET)
    await deliver(client, "stripe", body, {"stripe-signature": signature})


async def test_stripe_renews_and_is_cancelled_there(api: Api, providers: Providers) -> None:
    """Each invoice grants once though its message comes first, twice or late; a deletion at Stripe ends it."""
    client = await api.client()
    wallet, begun = await start(client, "stripe")
    [session] = providers.stripe.sessions
    name = providers.stripe.subscribe(session)
    first, second = providers.stripe.invoices["in_0"], providers.stripe.invoice(name)
    for number, invoice in enumerate((second, first, second)):
        await tell_stripe(client, f"evt_{number}", "invoice.paid", invoice)
    await tell_stripe(client, "evt_3", "checkout.session.completed", {"id": session})
    await until_balance(client, wallet, 11_000)
    await until_status(client, begun["subscription"]["id"], "ACTIVE")
    providers.stripe.subscriptions[name]["status"] = "canceled"
    await tell_stripe(client, "evt_4", "customer.subscription.deleted", {"id": name})
    ended = await until_status(client, begun["subscription"]["id"], "CANCELLED")
    assert (ended["paidUntil"], await balance(client, wallet)) == ("2027-01-15T08:00:00+00:00", 11_000)


async def test_polar_renews_and_is_cancelled_here(api: Api, providers: Providers) -> None:
    """A renewal whose own message was lost is found with the subscription's; cancelSubscription ends it at Polar."""
    client = await api.client()
    wallet, begun = await start(client, "polar")
    [checkout] = providers.polar.checkouts
    name = providers.polar.subscribe(checkout)
    providers.polar.renew(name)
    body = orjson.dumps({"type": "subscription.active", "data": {"id": name}})
    await deliver(client, "polar", body, signed_headers(SECRET, "msg_1", body))
    await until_balance(client, wallet, 11_000)
    cancelled = await client.run(CANCEL, id=begun["subscription"]["id"])
    assert cancelled["errors"] == []
    await until_status(client, begun["subscription"]["id"], "CANCELLED")
    assert providers.polar.subscriptions[name]["status"] == "canceled"


async def test_a_lost_first_message_costs_no_subscription(
    api: Api, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any webhook the checkout is asked about, and the subscription is active."""
    monkeypatch.setattr(purchases, "FOLLOW_UP_SECONDS", 0)
    client = await api.client()
    wallet, begun = await start(client, "stripe")
    [session] = providers.stripe.sessions
    providers.stripe.subscribe(session)
    await until(client, begun["purchase"]["id"], "SUCCESS")
    found = await client.run(READ, id=begun["subscription"]["id"])
    assert (found["status"], found["quote"]["credits"], await balance(client, wallet)) == ("ACTIVE", 5_500, 5_500)


async def test_an_interval_without_a_product_is_refused(api: Api) -> None:
    """Polar has a monthly product here and no yearly one, and the refusal names the field."""
    client = await api.client()
    wallet = (await client.run(CREATE))["wallet"]["id"]
    words = {"walletId": wallet, "packCode": "PACK_500", "interval": "YEAR", "method": "UPI", "idempotencyKey": "s"}
    refused = await client.run(START, input=words | {"gateway": "polar"})
    assert [error["code"] for error in refused["errors"]] == ["INVALID_INPUT"]
