"""The Stripe client against localstripe, a stand-in that others wrote: charges, declines, refunds, signed webhooks."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
import stripe

from domain.purchases import PurchaseStatus as S
from gateways.accounts import StripeAccount
from gateways.base import ChargeRequest, EventKind, GatewayRefused, RefundRequest, SavedMethod, WebhookRejected
from gateways.stripe import StripeGateway
from tests.builders import free_port
from tests.gateways.loopback import loopback
from tests.gateways.prism import until_it_answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateways.base import OffSessionGateway, WebhookEvent
    from tests.gateways.loopback import Received

SERVER = Path(__file__).with_name("localstripe_server.py")
GOOD, DECLINED_LATER, WITH_BANK = "4242424242424242", "4000000000000341", "4000002500003155"
SECRET, OLD_SECRET = "whsec_current", "whsec_previous"
EVENTS = ["payment_intent.succeeded", "payment_intent.payment_failed"]


@asynccontextmanager
async def localstripe() -> AsyncIterator[str]:
    """Run localstripe for the length of the block; its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, SERVER, str(port))
    try:
        await until_it_answers(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """One localstripe for all tests."""
    async with localstripe() as address:
        yield address


@pytest.fixture
async def gateway(url: str) -> AsyncIterator[StripeGateway]:
    """The client of it."""
    secrets = [SECRET, OLD_SECRET]
    opened = StripeGateway(StripeAccount(secret_key="sk_test_1", secrets=secrets, base_url=url, return_url="x:"))  # noqa: S106
    yield opened
    await opened.close()


async def saved(gateway: StripeGateway, number: str) -> SavedMethod:
    """A customer with a saved card, as a first payment would have left it."""
    client = gateway._client.v1  # noqa: SLF001 - set up with the official client
    card: Any = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    customer = await client.customers.create_async({"email": "buyer@example.test"})
    method = await client.payment_methods.create_async({"type": "card", "card": card})
    await client.payment_methods.attach_async(method.id, {"customer": customer.id})
    return SavedMethod(customer.id, method.id)


def charging(gateway: OffSessionGateway) -> OffSessionGateway:
    """The gateway as those see it who charge saved methods."""
    return gateway


def charge_of(method: SavedMethod, reference: str = "recharge-1") -> ChargeRequest:
    return ChargeRequest(reference, 60_200, "INR", method, "5500 credits")


async def test_a_saved_card_is_charged(gateway: StripeGateway) -> None:
    """The charge succeeds at once, and asking for it again says the same."""
    payment = await charging(gateway).charge(charge_of(await saved(gateway, GOOD)))
    assert (payment.status, payment.reference, payment.total_minor) == (S.SUCCESS, "recharge-1", 60_200)
    assert payment.order_id.startswith("pi_")
    assert await gateway.fetch_payment(payment.order_id) == payment


async def test_a_decline_is_a_failed_payment(gateway: StripeGateway) -> None:
    """A card that is declined fails the payment with the bank's words; the intent is known to the provider."""
    payment = await charging(gateway).charge(charge_of(await saved(gateway, DECLINED_LATER)))
    assert (payment.status, payment.payment_id) == (S.FAILED, None)
    assert payment.failure_reason
    assert "declined" in payment.failure_reason


async def test_a_bank_that_wants_the_buyer_fails_the_charge(gateway: StripeGateway) -> None:
    """A card that needs authentication can't be charged while the buyer is away."""
    payment = await charging(gateway).charge(charge_of(await saved(gateway, WITH_BANK)))
    assert (payment.status, payment.failure_reason) == (S.FAILED, "The bank wants the buyer to confirm the payment.")


async def test_a_charge_is_refunded_in_parts(gateway: StripeGateway) -> None:
    """Two references are two refunds, one reference is one."""
    paid = await charging(gateway).charge(charge_of(await saved(gateway, GOOD)))
    parts = [RefundRequest(name * 16, paid.order_id, 10_000, "INR", paid.payment_id) for name in ("5e", "5e", "5f")]
    first, again, second = [await gateway.refund(part) for part in parts]
    assert first == again != second


async def test_an_unknown_intent_is_refused(gateway: StripeGateway) -> None:
    """A charge of a customer that is not there is an answer."""
    with pytest.raises(GatewayRefused):
        await charging(gateway).charge(charge_of(SavedMethod("cus_none", "pm_none")))


@pytest.fixture(scope="module")
async def delivered(url: str) -> list[Received]:
    """What localstripe sends for a charge and for a decline."""
    account = StripeAccount(secret_key="sk_test_1", secrets=[SECRET], base_url=url, return_url="x:")  # noqa: S106
    async with loopback() as inbox, httpx.AsyncClient(base_url=url, auth=("sk_test_1", ""), trust_env=False) as config:
        words = {"url": inbox.url, "secret": SECRET, "events": EVENTS}
        (await config.post("/_config/webhooks/coffer", json=words)).raise_for_status()
        gateway = StripeGateway(account)
        for number in (GOOD, DECLINED_LATER):
            await charging(gateway).charge(charge_of(await saved(gateway, number), f"hook-{number}"))
        # It sends a second later, so messages of charges from before this inbox was there come too.
        while len(received := [one for one in inbox.received if b'"hook-' in one.body]) < len(EVENTS):
            await inbox.wait_for(len(inbox.received) + 1)
        await gateway.close()
    return received


def verify(gateway: StripeGateway, message: Received) -> WebhookEvent:
    return gateway.verify_webhook(message.headers, message.body)


async def test_its_webhooks_are_good(gateway: StripeGateway, delivered: list[Received]) -> None:
    """Both messages verify, and speak of a payment by its intent."""
    events = [verify(gateway, message) for message in delivered]
    assert sorted(event.type for event in events) == sorted(EVENTS)
    assert {(event.kind, (event.order_id or "")[:3]) for event in events} == {(EventKind.PAYMENT, "pi_")}


async def test_the_official_verifier_agrees(delivered: list[Received]) -> None:
    """Stripe's own library accepts the same messages, so they are signed as Stripe signs."""
    for message in delivered:
        event = stripe.Webhook.construct_event(message.body, message.headers["stripe-signature"], SECRET)
        assert event.id == orjson.loads(message.body)["id"]


async def test_a_changed_webhook_is_refused(gateway: StripeGateway, delivered: list[Received]) -> None:
    """One changed figure breaks the signature."""
    message = delivered[0]
    with pytest.raises(WebhookRejected, match="bad_signature"):
        gateway.verify_webhook(message.headers, message.body.replace(b"60200", b"60201"))
