"""The simulated provider: its API, its timer and the messages it sends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateways.simulated import SimulatedGateway, merchant_key
from services import simulated_provider as provider
from tests.builders import SECRET
from tests.gateways.loopback import Loopback, loopback
from tests.services.simulated_steps import NEVER_MS, ORDER, calling, choose, event, opened, receiving, status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from runtime.settings import Settings
    from services.coffer import Coffer


@pytest.fixture
def patient(settings: Settings) -> Settings:
    """Settings under which no order pays itself during a test."""
    return replace(settings, simulated_delay_ms=NEVER_MS)


@pytest.fixture
async def merchant(coffer: Coffer, patient: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the merchant's key."""
    async with calling(coffer, patient) as client:
        client.headers["authorization"] = f"Bearer {merchant_key(SECRET)}"
        yield client


@pytest.fixture
async def buyer(coffer: Coffer, patient: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser."""
    async with calling(coffer, patient) as client:
        client.follow_redirects = True
        yield client


@pytest.fixture
async def inbox(coffer: Coffer) -> AsyncIterator[Loopback]:
    """The merchant's webhook address."""
    async with receiving(coffer) as running:
        yield running


async def test_an_order_is_opened_and_read(merchant: httpx.AsyncClient) -> None:
    """A merchant gets the order's id and the address of its page, and can read how it stands."""
    created = (await merchant.post("/simulated/orders", json=ORDER)).json()
    order = (await merchant.get(f"/simulated/orders/{created['id']}")).json()
    assert created["checkout_url"] == f"{merchant.base_url}/simulated/checkout/{created['id']}"
    assert order == {
        "id": created["id"],
        "reference": "ref-1",
        "status": "open",
        "amount_minor": 60_200,
        "refunded_minor": 0,
        "currency": "INR",
        "failure_reason": None,
        "refunds": [],
        "disputes": [],
        "saved": None,
        "subscription": None,
    }


async def test_one_order_per_reference(merchant: httpx.AsyncClient) -> None:
    """Asking ten times at once with one reference opens one order."""
    answers = await asyncio.gather(*(merchant.post("/simulated/orders", json=ORDER) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_reference_belongs_to_one_amount(merchant: httpx.AsyncClient) -> None:
    """The reference of another order is refused."""
    await merchant.post("/simulated/orders", json=ORDER)
    answer = await merchant.post("/simulated/orders", json=ORDER | {"amount_minor": 1})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"amount_minor": -5},
        {"amount_minor": "60200"},
        {"amount_minor": 602.5},
        {"amount_minor": True},
        {"amount_minor": 10**18},
        {"currency": "USD"},
        {"method": "CASH"},
        {"reference": ""},
        {"reference": "a\x00b"},
        {"reference": None},
        {"fails": 1},
    ],
)
async def test_an_impossible_order_is_refused(merchant: httpx.AsyncClient, change: dict[str, Any]) -> None:
    """A value outside its bounds is answered with 422 and a sentence."""
    answer = await merchant.post("/simulated/orders", json=ORDER | change)
    assert answer.status_code == 422
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(merchant: httpx.AsyncClient, body: bytes) -> None:
    """What is not a JSON object is answered with 422."""
    assert (await merchant.post("/simulated/orders", content=body)).status_code == 422


async def test_a_large_body_is_refused(merchant: httpx.AsyncClient) -> None:
    """A body that no order needs is answered with 413."""
    assert (await merchant.post("/simulated/orders", content=b" " * 100_000)).status_code == 413


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {SECRET}", "Bearer é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/simulated/orders"), ("GET", "/simulated/orders/x"), ("POST", "/simulated/orders/x/refunds")],
)
async def test_only_the_merchant_may_call(
    merchant: httpx.AsyncClient, method: str, path: str, authorization: str
) -> None:
    """Without the merchant's key every call is answered with 401; the webhook secret itself is no key."""
    headers = [(b"authorization", authorization.encode())]
    answer = await merchant.request(method, path, json=ORDER, headers=headers)
    assert answer.status_code == 401


async def test_an_unknown_order_is_not_found(merchant: httpx.AsyncClient) -> None:
    """Reading or refunding an order that does not exist is answered with 404."""
    refund = {"reference": "refund-1", "amount_minor": 1}
    answers = [
        await merchant.get("/simulated/orders/sim_0"),
        await merchant.post("/simulated/orders/sim_0/refunds", json=refund),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_an_order_pays_itself(coffer: Coffer, inbox: Loopback) -> None:
    """After its delay an order is paid, and the merchant is told once."""
    order = await opened(coffer, delay_ms=20)
    [message] = await inbox.wait_for(1)
    assert event(message) == ("payment.succeeded", order, "paid")


async def test_an_order_fails_as_asked(coffer: Coffer, inbox: Loopback) -> None:
    """An order that was opened to fail does so, with a reason."""
    order = await opened(coffer, delay_ms=20, fails=True)
    [message] = await inbox.wait_for(1)
    assert event(message) == ("payment.failed", order, "failed")
    assert (await provider.read_order(coffer, order)).failure_reason


async def test_the_timer_leaves_what_the_buyer_decided(coffer: Coffer, buyer: httpx.AsyncClient) -> None:
    """When the buyer has acted on the page, the order does not pay itself any more."""
    order = await opened(coffer)
    await choose(buyer, order, "pending")
    effect = await provider.handlers("", SECRET)["simulated.pay"](coffer, {"order": order})
    async with coffer.database.transaction() as session:
        await effect(session)
    assert await status_of(coffer, order) == "pending"


async def test_a_message_is_signed_for_the_gateway(coffer: Coffer, inbox: Loopback) -> None:
    """What arrives carries a signature that the gateway's verifier accepts."""
    order = await opened(coffer, delay_ms=0)
    [message] = await inbox.wait_for(1)
    gateway = SimulatedGateway("http://127.0.0.1:9", [SECRET])
    verified = gateway.verify_webhook(message.headers, message.body)
    await gateway.close()
    assert message.line.startswith("POST /webhooks/simulated ")
    assert (verified.type, verified.order_id) == ("payment.succeeded", order)


@pytest.mark.parametrize("fault", [(500, b""), (400, b""), (302, b""), (0, b"")])
async def test_a_message_that_was_not_taken_is_sent_again(
    coffer: Coffer, inbox: Loopback, fault: tuple[int, bytes]
) -> None:
    """Anything but 2xx is sent again: the same event id and bytes."""
    inbox.will_answer(fault, (200, {}))
    await opened(coffer, delay_ms=0)
    first, second = await inbox.wait_for(2)
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


async def test_each_delivery_is_signed_anew(monkeypatch: pytest.MonkeyPatch, coffer: Coffer) -> None:
    """A delivery attempt carries its own time, so a late one is not too old."""
    ages = iter([400.0, 0.0])
    sign = provider.signed_headers
    monkeypatch.setattr(provider, "signed_headers", lambda *message: sign(*message, age_seconds=next(ages)))
    async with loopback() as receiving:
        deliver = provider.handlers(receiving.url, SECRET)["simulated.deliver"]
        payload = {"id": "msg_1", "body": {"type": "payment.succeeded"}}
        for _ in range(2):
            await deliver(coffer, payload)
        first, second = receiving.received
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 399
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_a_refund_is_made_and_told(coffer: Coffer, merchant: httpx.AsyncClient, inbox: Loopback) -> None:
    """Part of a paid order goes back, then the rest; the merchant is told of each."""
    order = await opened(coffer, delay_ms=0)
    await inbox.wait_for(1)
    for number, amount_minor in enumerate((200, 60_000)):
        refund = {"reference": f"refund-{number}", "amount_minor": amount_minor}
        answer = await merchant.post(f"/simulated/orders/{order}/refunds", json=refund)
        assert answer.json()["id"] == f"simref_refund-{number}"
        await inbox.wait_for(2 + number)
    assert [event(message)[0::2] for message in inbox.received[1:]] == [
        ("refund.succeeded", "partially_refunded"),
        ("refund.succeeded", "refunded"),
    ]


async def test_one_refund_per_reference(coffer: Coffer, buyer: httpx.AsyncClient, merchant: httpx.AsyncClient) -> None:
    """A refund that is asked for again goes back once; its reference with another amount is refused."""
    order = await opened(coffer)
    await choose(buyer, order, "pay")
    path = f"/simulated/orders/{order}/refunds"
    bodies = [{"reference": "refund-1", "amount_minor": amount_minor} for amount_minor in (200, 200, 300)]
    codes = [(await merchant.post(path, json=body)).status_code for body in bodies]
    assert codes == [200, 200, 409]
    assert (await provider.read_order(coffer, order)).refunded_minor == 200


@pytest.mark.parametrize("amount_minor", [0, -1, 60_201, "1", None])
async def test_an_impossible_refund_is_refused(
    coffer: Coffer, buyer: httpx.AsyncClient, merchant: httpx.AsyncClient, amount_minor: object
) -> None:
    """Nothing, less than nothing and more than was paid can't go back."""
    order = await opened(coffer)
    await choose(buyer, order, "pay")
    body = {"reference": "refund-1", "amount_minor": amount_minor}
    answer = await merchant.post(f"/simulated/orders/{order}/refunds", json=body)
    assert (answer.status_code, await status_of(coffer, order)) == (422, "paid")


async def test_an_unpaid_order_can_not_be_refunded(coffer: Coffer, merchant: httpx.AsyncClient) -> None:
    """An order that is open has nothing to give back."""
    order = await opened(coffer)
    body = {"reference": "refund-1", "amount_minor": 1}
    assert (await merchant.post(f"/simulated/orders/{order}/refunds", json=body)).status_code == 409
