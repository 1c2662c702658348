"""The simulated provider: its API, its page, its timer and the messages it sends."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from domain.purchases import PaymentMethod
from gateways.simulated import SimulatedGateway, merchant_key
from runtime.app import create_app
from runtime.worker import Worker
from services import simulated_provider as provider
from tests.builders import SECRET
from tests.gateways.loopback import Loopback, Received, loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from services.coffer import Coffer

NEVER_MS = 3_600_000
ORDER: dict[str, Any] = {
    "reference": "ref-1",
    "amount_minor": 60_200,
    "currency": "INR",
    "method": "UPI",
    "fails": False,
}


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
    """The merchant's webhook address; the provider's background work runs."""
    async with loopback() as receiving:
        worker = Worker(coffer, provider.handlers(f"{receiving.url}/webhooks/simulated", SECRET))
        task = asyncio.create_task(worker.run())
        yield receiving
        worker.stop()
        await task


@asynccontextmanager
async def calling(coffer: Coffer, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(coffer, settings))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


async def opened(coffer: Coffer, delay_ms: int = NEVER_MS, **changes: Any) -> str:  # noqa: ANN401 - any field
    """The id of a new order."""
    order = await provider.create_order(coffer, provider.NewOrder(**ORDER | changes), delay_ms)
    return order.id


async def choose(client: httpx.AsyncClient, order: str, action: str, method: str = "UPI") -> httpx.Response:
    """Press a button of the page."""
    return await client.post(f"/simulated/checkout/{order}", data={"method": method, "action": action})


async def status_of(coffer: Coffer, order: str) -> str:
    return (await provider.read_order(coffer, order)).status


def event(received: Received) -> tuple[str, str, str]:
    body = orjson.loads(received.body)
    return body["type"], body["data"]["order_id"], body["data"]["status"]


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
        assert answer.json() == {"id": f"simref_refund-{number}"}
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


async def test_the_page_shows_amount_and_methods(coffer: Coffer, buyer: httpx.AsyncClient) -> None:
    """An open order's page has the amount in Indian digits, the five methods and three buttons."""
    page = (await buyer.get(f"/simulated/checkout/{await opened(coffer, amount_minor=12_345_678)}")).text
    assert "₹1,23,456.78" in page
    assert re.findall(r'name="method" value="(\w+)"', page) == list(PaymentMethod.__members__)
    assert re.findall(r'name="action" value="(\w+)"', page) == ["pay", "fail", "pending"]
    assert re.search(r'value="UPI" required checked', page)


@pytest.mark.parametrize(
    ("actions", "status", "text"),
    [
        (["pay"], "paid", "Paid with Net banking"),
        (["fail"], "failed", "You can try again"),
        (["pending"], "pending", "Waiting for the bank"),
        (["pending", "pay"], "paid", "Paid with Net banking"),
        (["pending", "fail"], "failed", "Payment failed"),
        (["fail", "pay"], "paid", "Paid with Net banking"),
    ],
)
async def test_the_buttons_decide_at_once(
    coffer: Coffer, buyer: httpx.AsyncClient, actions: list[str], status: str, text: str
) -> None:
    """Each button leads to the page that says what came of it; a failure can still be paid."""
    order = await opened(coffer)
    for action in actions:
        page = await choose(buyer, order, action, "NET_BANKING")
    assert (page.status_code, await status_of(coffer, order)) == (200, status)
    assert text in page.text


async def test_paying_twice_pays_once(coffer: Coffer, buyer: httpx.AsyncClient, inbox: Loopback) -> None:
    """A second press shows the result, and the merchant is told once."""
    order = await opened(coffer)
    pages = [await choose(buyer, order, action) for action in ("pay", "pay", "fail")]
    marker = await opened(coffer, delay_ms=200, reference="ref-2")
    messages = await inbox.wait_for(2)
    assert ["Paid with UPI" in page.text for page in pages] == [True, True, True]
    assert [event(message)[1] for message in messages] == [order, marker]


@pytest.mark.parametrize(
    "form",
    [{}, {"action": "pay"}, {"method": "UPI"}, {"action": "pay", "method": "CASH"}, {"action": "x", "method": "UPI"}],
)
async def test_a_mangled_form_changes_nothing(coffer: Coffer, buyer: httpx.AsyncClient, form: dict[str, str]) -> None:
    """A form that the page did not send leads back to the open page."""
    order = await opened(coffer)
    page = await buyer.post(f"/simulated/checkout/{order}", data=form)
    assert (page.status_code, await status_of(coffer, order)) == (200, "open")


async def test_the_page_of_an_unknown_order_is_not_found(buyer: httpx.AsyncClient) -> None:
    """A wrong address says so, with 404, whether it is read or sent to."""
    pages = [await buyer.get("/simulated/checkout/sim_0"), await choose(buyer, "sim_0", "pay")]
    assert [page.status_code for page in pages] == [404, 404]
    assert all("No such order" in page.text for page in pages)


async def test_a_large_form_is_refused(coffer: Coffer, buyer: httpx.AsyncClient) -> None:
    """A form that the page can't send is answered with 413."""
    page = await buyer.post(f"/simulated/checkout/{await opened(coffer)}", content=b"a" * 100_000)
    assert page.status_code == 413


async def test_the_page_needs_nothing_from_outside(coffer: Coffer, buyer: httpx.AsyncClient) -> None:
    """The page's policy allows its own style sheet and form alone, and it names no other address."""
    page = await buyer.get(f"/simulated/checkout/{await opened(coffer)}")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self' data:")
    assert re.findall(r'(?:src|href|action)="([^"]+)"', page.text) == ["data:,", "/static/simulated.css"]
    assert "<script" not in page.text
    assert (await buyer.get("/static/simulated.css")).status_code == 200


@pytest.mark.parametrize(("delay_ms", "refreshes"), [(300, True), (NEVER_MS, False)])
async def test_the_page_watches_an_order_that_decides_itself_soon(
    coffer: Coffer, settings: Settings, delay_ms: int, refreshes: bool
) -> None:
    """The page reloads itself only while a timer is about to pay; a choice in the making is not lost otherwise."""
    async with calling(coffer, replace(settings, simulated_delay_ms=delay_ms)) as buyer:
        page = await buyer.get(f"/simulated/checkout/{await opened(coffer)}")
    assert ('http-equiv="refresh"' in page.text) is refreshes
