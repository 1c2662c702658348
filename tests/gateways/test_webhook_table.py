"""What becomes of each kind of message from each provider, from HTTP to the row; docs/gateways.md shows this table."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.applications import Starlette

from db.models.events import GatewayEvent
from gateways.base import WebhookRejected
from runtime import webhooks
from tests.gateways.signed_messages import (
    FORGED,
    MEGABYTE,
    NEW,
    OLD,
    PROVIDERS,
    Provider,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateways.base import Gateway
    from gateways.payouts import PayoutGateway
    from services.coffer import Coffer

LONE: Final = {name: provider.gateway() for name, provider in PROVIDERS.items()}
"""Gateways for many examples; they open no connection."""

KEYS: Final = st.sampled_from(["type", "id", "data", "object", "order", "order_id", "payment", "refund", "checkout_id"])


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each provider in turn."""
    return PROVIDERS[request.param]


@pytest.fixture
async def gateway(provider: Provider) -> AsyncIterator[Gateway | PayoutGateway]:
    """The provider's gateway in the middle of a rotation."""
    opened = provider.gateway()
    yield opened
    await opened.close()


@pytest.fixture
async def client(coffer: Coffer, gateway: Gateway | PayoutGateway) -> AsyncIterator[httpx.AsyncClient]:
    """A sender to Coffer's webhook route with this gateway."""
    named: Any = {gateway.name: gateway}
    alone = replace(coffer, gateways=named)
    transport = httpx.ASGITransport(Starlette(routes=webhooks.routes(alone)))
    async with httpx.AsyncClient(transport=transport, base_url="http://coffer/webhooks") as opened:
        yield opened


def rejection(gateway: Gateway | PayoutGateway, headers: Mapping[str, str], body: bytes) -> str:
    """Why a message is refused; the route answers 400 with this word."""
    with pytest.raises(WebhookRejected) as rejected:
        gateway.verify_webhook(headers, body)
    return rejected.value.reason


async def stored(coffer: Coffer) -> list[tuple[str, str]]:
    """Type and subject of each stored event."""
    async with coffer.database.reading() as session:
        return [(row.type, row.kind) for row in await session.scalars(select(GatewayEvent))]


async def test_valid(provider: Provider, client: httpx.AsyncClient, coffer: Coffer) -> None:
    """A signed message of a payment, or a payout, is acknowledged and stored as one."""
    answer = await client.post(provider.name, content=provider.body, headers=provider.sign(provider.body, NEW, 0))
    assert (answer.status_code, await stored(coffer)) == (200, [(provider.type, provider.kind)])


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


async def test_late_within_the_window(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """A message that was under way for most of the window is good."""
    headers = provider.sign(provider.body, NEW, provider.longest_seconds - 20)
    assert gateway.verify_webhook(headers, provider.body).type == provider.type


async def test_old(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """A message from before the window is refused, though its signature is good."""
    headers = provider.sign(provider.body, NEW, provider.longest_seconds + 20)
    assert rejection(gateway, headers, provider.body) == "too_old"


async def test_future(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """A message from the future is refused, whatever the provider's own library says."""
    assert rejection(gateway, provider.sign(provider.body, NEW, -320), provider.body) == "too_new"


async def test_wrong_secret(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """Another secret is no secret."""
    assert rejection(gateway, provider.sign(provider.body, FORGED, 0), provider.body) == "bad_signature"


async def test_changed_body(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """One changed figure breaks the signature."""
    changed = provider.body.replace(b"602", b"603")
    assert changed != provider.body
    assert rejection(gateway, provider.sign(provider.body, NEW, 0), changed) == "bad_signature"


async def test_reserialised_body(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """The same JSON in other bytes is not what was signed."""
    again = orjson.dumps(orjson.loads(provider.body), option=orjson.OPT_INDENT_2)
    assert rejection(gateway, provider.sign(provider.body, NEW, 0), again) == "bad_signature"


async def test_missing_header(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """Each header of the signature is needed."""
    for name in provider.headers:
        signed = provider.sign(provider.body, NEW, 0)
        del signed[name]
        assert rejection(gateway, signed, provider.body) == "missing_header"


async def test_the_previous_secret_during_a_rotation(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """A message under the previous secret is good as well, as long as it is configured."""
    assert gateway.verify_webhook(provider.sign(provider.body, OLD, 0), provider.body).type == provider.type


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].join], indirect=True)
async def test_two_signatures_during_a_rotation(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """Where a provider signs with both secrets at once, either signature is enough."""
    assert provider.join is not None
    signed = [provider.sign(provider.body, secret, 0)[provider.headers[-1]] for secret in (FORGED, OLD)]
    headers = provider.sign(provider.body, NEW, 0) | {provider.headers[-1]: provider.join(*signed)}
    assert gateway.verify_webhook(headers, provider.body).type == provider.type


async def test_not_utf_8(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """Bytes that are no text are refused, though their signature is good."""
    body = b"\xff\xfe"
    assert rejection(gateway, provider.sign(body, NEW, 0), body) == "malformed"


async def test_empty(provider: Provider, gateway: Gateway | PayoutGateway) -> None:
    """A body of no bytes is refused, though its signature is good."""
    assert rejection(gateway, provider.sign(b"", NEW, 0), b"") == "malformed"


@pytest.mark.parametrize("value", ["", "v1", "=", "t=1,v1=", "v1,é", "é", ",", " ", "t=é,v1=é", "v1=a,t=1"])
async def test_a_mangled_signature(provider: Provider, gateway: Gateway | PayoutGateway, value: str) -> None:
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
