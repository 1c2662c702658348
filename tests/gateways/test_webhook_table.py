"""What becomes of each kind of message from each provider, from HTTP to the row; docs/gateways.md shows this table."""

from __future__ import annotations

import base64
import hmac
import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.applications import Starlette
from stripe import WebhookSignature

from db.models.events import GatewayEvent
from gateways.base import WebhookRejected
from gateways.cashfree import CashfreeGateway
from gateways.polar import PolarGateway
from gateways.simulated import SimulatedGateway
from gateways.stripe import StripeGateway
from runtime import webhooks
from tests.gateways.fake_cashfree import account as cashfree_account
from tests.gateways.fake_polar import account as polar_account
from tests.gateways.fake_stripe import account as stripe_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from gateways.base import Gateway
    from services.coffer import Coffer

NOWHERE: Final = "http://127.0.0.1:9"
NEW, OLD, FORGED = "whsec_" + "5e" * 32, "whsec_" + "01" * 32, "whsec_" + "ff" * 32
STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
MEGABYTE: Final = 1_048_576


@dataclass(frozen=True)
class Provider:
    """How one provider signs; `sign` takes a body, a secret and the message's age in seconds.

    `headers` are those of the signature, the signature itself last; `join` puts two signatures into one header.
    """

    name: str
    gateway: Callable[[], Gateway]
    sign: Callable[[bytes, str, float], dict[str, str]]
    type: str
    body: bytes
    unknown: bytes
    headers: tuple[str, ...]
    longest_seconds: int = 300
    join: Callable[[str, str], str] | None = None


def sign_standard(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By the Standard Webhooks rule, with the whole text of the secret as the key."""
    timestamp = str(int(time.time() - age_seconds))
    digest = hmac.new(secret.encode(), b"msg_1." + timestamp.encode() + b"." + body, "sha256").digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}


def sign_cashfree(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By the rule that Cashfree documents, written here a second time."""
    timestamp = str(int((time.time() - age_seconds) * 1000))
    digest = hmac.new(secret.encode(), timestamp.encode() + body, "sha256").digest()
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(digest).decode()}


def sign_stripe(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By Stripe's own library, where the body is text."""
    timestamp = int(time.time() - age_seconds)
    try:
        signature = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)
    except UnicodeDecodeError:
        signature = f"t={timestamp},v1={hmac.new(secret.encode(), b'%d.%s' % (timestamp, body), 'sha256').hexdigest()}"
    return {"stripe-signature": signature}


PROVIDERS = {
    "simulated": Provider(
        name="simulated",
        gateway=lambda: SimulatedGateway(NOWHERE, [NEW, OLD]),
        sign=sign_standard,
        body=b'{"type": "payment.succeeded", "data": {"order_id": "sim_1", "amount": 602.00}}',
        unknown=b'{"type": "account.renamed"}',
        type="payment.succeeded",
        headers=STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
    "cashfree": Provider(
        name="cashfree",
        gateway=lambda: CashfreeGateway(replace(cashfree_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_cashfree,
        body=b'{"data":{"order":{"order_id":"ab-1","order_amount":602.00},"payment":{"cf_payment_id":"145",'
        b'"payment_status":"SUCCESS"}},"event_time":"2026-11-21T12:00:00+05:30","type":"PAYMENT_SUCCESS_WEBHOOK"}',
        unknown=b'{"data":{"test_object":{"test_key":"test_value"}},"type":"WEBHOOK"}',
        type="PAYMENT_SUCCESS_WEBHOOK",
        headers=("x-webhook-timestamp", "x-webhook-signature"),
        longest_seconds=3_600,
    ),
    "polar": Provider(
        name="polar",
        gateway=lambda: PolarGateway(replace(polar_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_standard,
        type="order.paid",
        body=b'{"type": "order.paid", "api_version": "2026-10", "data": {"checkout_id": "0b0e", "net_amount": 60200}}',
        unknown=b'{"type": "benefit_grant.created", "data": {"id": "0b0e"}}',
        headers=STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
    "stripe": Provider(
        name="stripe",
        gateway=lambda: StripeGateway(replace(stripe_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_stripe,
        type="checkout.session.completed",
        body=b'{"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1", "a": 60200}}}',
        unknown=b'{"id": "evt_2", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}',
        headers=("stripe-signature",),
        join=lambda one, other: f"{one},{other.partition(',')[2]}",
    ),
}


LONE: Final = {name: provider.gateway() for name, provider in PROVIDERS.items()}
"""Gateways for many examples; they open no connection."""

KEYS: Final = st.sampled_from(["type", "id", "data", "object", "order", "order_id", "payment", "refund", "checkout_id"])


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each provider in turn."""
    return PROVIDERS[request.param]


@pytest.fixture
async def gateway(provider: Provider) -> AsyncIterator[Gateway]:
    """The provider's gateway in the middle of a rotation."""
    opened = provider.gateway()
    yield opened
    await opened.close()


@pytest.fixture
async def client(coffer: Coffer, gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A sender to Coffer's webhook route with this gateway."""
    alone = replace(coffer, gateways={gateway.name: gateway})
    transport = httpx.ASGITransport(Starlette(routes=webhooks.routes(alone)))
    async with httpx.AsyncClient(transport=transport, base_url="http://coffer/webhooks") as opened:
        yield opened


def rejection(gateway: Gateway, headers: Mapping[str, str], body: bytes) -> str:
    """Why a message is refused; the route answers 400 with this word."""
    with pytest.raises(WebhookRejected) as rejected:
        gateway.verify_webhook(headers, body)
    return rejected.value.reason


async def stored(coffer: Coffer) -> list[tuple[str, str]]:
    """Type and subject of each stored event."""
    async with coffer.database.reading() as session:
        return [(row.type, row.kind) for row in await session.scalars(select(GatewayEvent))]


async def test_valid(provider: Provider, client: httpx.AsyncClient, coffer: Coffer) -> None:
    """A signed message of a payment is acknowledged and stored as one."""
    answer = await client.post(provider.name, content=provider.body, headers=provider.sign(provider.body, NEW, 0))
    assert (answer.status_code, await stored(coffer)) == (200, [(provider.type, "payment")])


async def test_duplicate(provider: Provider, client: httpx.AsyncClient, coffer: Coffer) -> None:
    """A delivery of the same event again, signed anew, is acknowledged and stored once."""
    for age_seconds in (60, 0):
        headers = provider.sign(provider.body, NEW, age_seconds)
        assert (await client.post(provider.name, content=provider.body, headers=headers)).status_code == 200
    assert len(await stored(coffer)) == 1


async def test_unknown_type(provider: Provider, client: httpx.AsyncClient, coffer: Coffer) -> None:
    """An event of a type that Coffer does not know is acknowledged and stored."""
    answer = await client.post(provider.name, content=provider.unknown, headers=provider.sign(provider.unknown, NEW, 0))
    assert (answer.status_code, len(await stored(coffer))) == (200, 1)


async def test_a_megabyte(provider: Provider, client: httpx.AsyncClient, coffer: Coffer) -> None:
    """A message of a megabyte is refused for its size, though its signature is good."""
    body = provider.body + b" " * (MEGABYTE - len(provider.body))
    answer = await client.post(provider.name, content=body, headers=provider.sign(body, NEW, 0))
    assert (answer.status_code, answer.json(), await stored(coffer)) == (413, {"error": "too_large"}, [])


async def test_late_within_the_window(provider: Provider, gateway: Gateway) -> None:
    """A message that was under way for most of the window is good."""
    headers = provider.sign(provider.body, NEW, provider.longest_seconds - 20)
    assert gateway.verify_webhook(headers, provider.body).type == provider.type


async def test_old(provider: Provider, gateway: Gateway) -> None:
    """A message from before the window is refused, though its signature is good."""
    headers = provider.sign(provider.body, NEW, provider.longest_seconds + 20)
    assert rejection(gateway, headers, provider.body) == "too_old"


async def test_future(provider: Provider, gateway: Gateway) -> None:
    """A message from the future is refused, whatever the provider's own library says."""
    assert rejection(gateway, provider.sign(provider.body, NEW, -320), provider.body) == "too_new"


async def test_wrong_secret(provider: Provider, gateway: Gateway) -> None:
    """Another secret is no secret."""
    assert rejection(gateway, provider.sign(provider.body, FORGED, 0), provider.body) == "bad_signature"


async def test_changed_body(provider: Provider, gateway: Gateway) -> None:
    """One changed figure breaks the signature."""
    changed = provider.body.replace(b"602", b"603")
    assert changed != provider.body
    assert rejection(gateway, provider.sign(provider.body, NEW, 0), changed) == "bad_signature"


async def test_reserialised_body(provider: Provider, gateway: Gateway) -> None:
    """The same JSON in other bytes is not what was signed."""
    again = orjson.dumps(orjson.loads(provider.body), option=orjson.OPT_INDENT_2)
    assert rejection(gateway, provider.sign(provider.body, NEW, 0), again) == "bad_signature"


async def test_missing_header(provider: Provider, gateway: Gateway) -> None:
    """Each header of the signature is needed."""
    for name in provider.headers:
        signed = provider.sign(provider.body, NEW, 0)
        del signed[name]
        assert rejection(gateway, signed, provider.body) == "missing_header"


async def test_the_previous_secret_during_a_rotation(provider: Provider, gateway: Gateway) -> None:
    """A message under the previous secret is good as well, as long as it is configured."""
    assert gateway.verify_webhook(provider.sign(provider.body, OLD, 0), provider.body).type == provider.type


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].join], indirect=True)
async def test_two_signatures_during_a_rotation(provider: Provider, gateway: Gateway) -> None:
    """Where a provider signs with both secrets at once, either signature is enough."""
    assert provider.join is not None
    signed = [provider.sign(provider.body, secret, 0)[provider.headers[-1]] for secret in (FORGED, OLD)]
    headers = provider.sign(provider.body, NEW, 0) | {provider.headers[-1]: provider.join(*signed)}
    assert gateway.verify_webhook(headers, provider.body).type == provider.type


async def test_not_utf_8(provider: Provider, gateway: Gateway) -> None:
    """Bytes that are no text are refused, though their signature is good."""
    body = b"\xff\xfe"
    assert rejection(gateway, provider.sign(body, NEW, 0), body) == "malformed"


async def test_empty(provider: Provider, gateway: Gateway) -> None:
    """A body of no bytes is refused, though its signature is good."""
    assert rejection(gateway, provider.sign(b"", NEW, 0), b"") == "malformed"


@pytest.mark.parametrize("value", ["", "v1", "=", "t=1,v1=", "v1,é", "é", ",", " ", "t=é,v1=é", "v1=a,t=1"])
async def test_a_mangled_signature(provider: Provider, gateway: Gateway, value: str) -> None:
    """Whatever stands in the signature header, the answer is a refusal."""
    headers = provider.sign(provider.body, NEW, 0) | {provider.headers[-1]: value}
    assert rejection(gateway, headers, provider.body) in {"bad_signature", "malformed", "too_old"}


@pytest.mark.parametrize("name", PROVIDERS)
@given(signature=st.text(), event=st.binary(max_size=200))
def test_nothing_but_a_rejection_comes_out(name: str, signature: str, event: bytes) -> None:
    """Arbitrary signatures and bytes at a good time never raise anything else."""
    provider = PROVIDERS[name]
    headers = provider.sign(b"{}", NEW, 0) | {provider.headers[-1]: signature}
    rejection(LONE[name], headers, event)


@pytest.mark.parametrize("name", PROVIDERS)
@given(event=st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(KEYS, inner)))
def test_a_signed_event_is_read_or_rejected(name: str, event: object) -> None:
    """Even under a good signature, JSON of any shape is an event or a rejection."""
    provider, body = PROVIDERS[name], json.dumps(event).encode()
    with suppress(WebhookRejected):
        assert LONE[name].verify_webhook(provider.sign(body, NEW, 0), body).type
