"""What becomes of each kind of message from each provider, from HTTP to the row: the table of docs/gateways.md."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.applications import Starlette

from db.models.events import GatewayEvent
from gateways.base import WebhookRejected
from runtime import webhooks
from runtime.process import open_coffer
from runtime.webhooks import MAX_BODY_BYTES
from tests.builders import free_port, settings_for
from tests.conftest import fresh_database
from tests.gateways.signed_messages import NEW, PROVIDERS
from tests.gateways.webhook_cases import CASES, END, LIMIT, PAGE, START, table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateways.base import Gateway
    from gateways.payouts import PayoutGateway
    from runtime.embedded import Servers
    from services.coffer import Coffer

LONE: Final = {name: provider.gateway() for name, provider in PROVIDERS.items()}
"""Gateways for many examples; they open no connection."""

KEYS: Final = st.sampled_from(
    ["type", "id", "data", "object", "order", "order_id", "payment", "refund", "checkout_id", "subscription", "parent"]
)
EVENTS: Final = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(KEYS, inner))


@pytest.fixture(scope="module")
async def coffer(servers: Servers, template: str) -> AsyncIterator[Coffer]:
    """One process for all cases, each of which has an event of its own."""
    async with (
        fresh_database(servers, template) as url,
        open_coffer(settings_for(free_port()), url, servers.redis_url) as opened,
    ):
        gateways: Any = LONE
        yield replace(opened, gateways=gateways)


@pytest.fixture(scope="module")
async def client(coffer: Coffer) -> AsyncIterator[httpx.AsyncClient]:
    """A sender to Coffer's webhook route, in the middle of a rotation of every secret."""
    transport = httpx.ASGITransport(Starlette(routes=webhooks.routes(coffer)))
    async with httpx.AsyncClient(transport=transport, base_url="http://coffer/webhooks") as opened:
        yield opened


async def stored(coffer: Coffer, gateway: str) -> int:
    """How many messages of the provider are kept."""
    async with coffer.database.reading() as session:
        return len((await session.scalars(select(GatewayEvent.id).where(GatewayEvent.gateway == gateway))).all())


def rejection(gateway: Gateway | PayoutGateway, headers: Mapping[str, str], body: bytes) -> str:
    """Why a message is refused; the route answers 400 with this word."""
    with pytest.raises(WebhookRejected) as rejected:
        gateway.verify_webhook(headers, body)
    return rejected.value.reason


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("case", CASES)
async def test_a_case_has_its_verdict(coffer: Coffer, client: httpx.AsyncClient, name: str, case: str) -> None:
    """Every delivery is answered as the table says, and a message that is good is kept once."""
    before = await stored(coffer, name)
    for body, headers in CASES[case].deliveries(PROVIDERS[name], f"evt_{case}"):
        answer = await client.post(name, content=body, headers=headers)
        expected = {"error": CASES[case].error} if CASES[case].error else {"received": True}
        assert (answer.status_code, answer.json()) == (CASES[case].answer, expected)
    has_any = bool(CASES[case].deliveries(PROVIDERS[name], "x"))
    assert await stored(coffer, name) - before == int(has_any and CASES[case].kept)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_good_message_is_read(name: str) -> None:
    """What is verified is read: its type, and what it is about."""
    provider, body = PROVIDERS[name], PROVIDERS[name].body("evt_1")
    event = LONE[name].verify_webhook(provider.sign(body, NEW, 0, "evt_1"), body)
    assert (event.type, event.kind) == (provider.type, provider.kind)


def test_the_page_shows_the_table() -> None:
    """docs/gateways.md has the table of these cases: python -m tests.gateways.webhook_cases --write."""
    assert PAGE.read_text().partition(START)[2].partition(END)[0] == table()
    assert LIMIT == MAX_BODY_BYTES


@pytest.mark.parametrize("value", ["", "v1", "=", "t=1,v1=", "v1,é", "é", ",", " ", "t=é,v1=é", "v1=a,t=1"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_mangled_signature(name: str, value: str) -> None:
    """Whatever stands in the signature header, the answer is a refusal."""
    provider, body = PROVIDERS[name], PROVIDERS[name].body("evt_1")
    headers = provider.sign(body, NEW, 0, "evt_1") | {provider.headers[-1]: value}
    assert rejection(LONE[name], headers, body) in {"bad_signature", "malformed", "too_old"}


@pytest.mark.parametrize("name", PROVIDERS)
@given(signature=st.text(), event=st.binary(max_size=200))
def test_nothing_but_a_rejection_comes_out(name: str, signature: str, event: bytes) -> None:
    """Arbitrary signatures and bytes at a good time never raise anything else."""
    provider = PROVIDERS[name]
    headers = provider.sign(b"{}", NEW, 0, "evt_1") | {provider.headers[-1]: signature}
    rejection(LONE[name], headers, event)


@pytest.mark.parametrize("name", PROVIDERS)
@given(event=EVENTS, type_=st.sampled_from(["invoice.paid", "order.paid", "customer.subscription.deleted", "refund.x"]))
def test_a_signed_event_is_read_or_rejected(name: str, event: object, type_: str) -> None:
    """Even under a good signature, JSON of any shape is an event or a rejection."""
    provider = PROVIDERS[name]
    for content in (event, {"id": "evt_1", "type": type_, "data": event}):
        body = json.dumps(content).encode()
        with suppress(WebhookRejected):
            assert LONE[name].verify_webhook(provider.sign(body, NEW, 0, "evt_1"), body).type
