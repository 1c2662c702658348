"""How the simulated gateway calls its provider: against a real HTTP server that answers as each test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from domain.purchases import PurchaseStatus
from gateways import calls
from gateways.base import GatewayRefused, GatewayUnavailable, OrderRequest, RefundRequest
from gateways.calls import ATTEMPTS
from gateways.simulated import SimulatedGateway, merchant_key
from tests.builders import free_port
from tests.gateways.loopback import HANG_UP, Loopback, loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "whsec_" + "5e" * 32
ORDER = OrderRequest("ref-1", 60_200, "INR", "UPI", "5500 credits")
REFUND = RefundRequest("refund-1", "sim_1", 100, "INR")
STANDING: dict[str, Any] = {
    "id": "sim_1",
    "reference": "ref-1",
    "status": "paid",
    "amount_minor": 60_200,
    "currency": "INR",
    "failure_reason": None,
}


@pytest.fixture
async def provider() -> AsyncIterator[Loopback]:
    """A provider on loopback."""
    async with loopback() as running:
        yield running


@pytest.fixture
async def gateway(provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedGateway]:
    """The gateway of that provider, without a pause between attempts."""
    monkeypatch.setattr(calls, "RETRY_SECONDS", 0)
    opened = SimulatedGateway(provider.url, [SECRET])
    yield opened
    await opened.close()


async def test_an_order_is_opened(provider: Loopback, gateway: SimulatedGateway) -> None:
    """The order carries our reference and total, under the merchant's key and not the webhook secret."""
    provider.will_answer((200, {"id": "sim_1", "checkout_url": "http://pay"}))
    order = await gateway.create_order(ORDER)
    [request] = provider.received
    assert (order.order_id, order.checkout_url) == ("sim_1", "http://pay")
    assert orjson.loads(request.body) == {
        "reference": "ref-1",
        "amount_minor": 60_200,
        "currency": "INR",
        "method": "UPI",
        "fails": False,
        "saves_method": False,
        "renews": None,
    }
    assert request.headers["authorization"] == f"Bearer {merchant_key(SECRET)}"
    assert SECRET not in str(request)


@pytest.mark.parametrize(
    ("status", "expected", "payment_id"),
    [
        ("open", PurchaseStatus.PROCESSING, None),
        ("pending", PurchaseStatus.PENDING, None),
        ("paid", PurchaseStatus.SUCCESS, "pay_sim_1"),
        ("failed", PurchaseStatus.FAILED, None),
        ("partially_refunded", PurchaseStatus.SUCCESS, "pay_sim_1"),
        ("refunded", PurchaseStatus.SUCCESS, "pay_sim_1"),
    ],
)
async def test_a_payment_is_read(
    provider: Loopback, gateway: SimulatedGateway, status: str, expected: PurchaseStatus, payment_id: str | None
) -> None:
    """Each of the provider's statuses has its meaning; what was paid stays paid when it is refunded."""
    provider.will_answer((200, STANDING | {"status": status}))
    payment = await gateway.fetch_payment("sim_1")
    assert (payment.status, payment.payment_id, payment.total_minor) == (expected, payment_id, 60_200)


async def test_a_refund_is_asked_for(provider: Loopback, gateway: SimulatedGateway) -> None:
    """A refund names its order and its reference, and brings the provider's id of it."""
    made = {"id": "simref_1", "reference": "refund-1", "amount_minor": 100, "currency": "INR"}
    provider.will_answer((200, made))
    assert (await gateway.refund(REFUND)).refund_id == "simref_1"
    assert provider.received[0].line.startswith("POST /simulated/orders/sim_1/refunds ")


async def test_an_order_id_can_not_leave_its_path(provider: Loopback, gateway: SimulatedGateway) -> None:
    """An id with slashes is quoted, so that it names no other address of the provider."""
    provider.will_answer((404, {"error": "No such order."}))
    with pytest.raises(GatewayRefused):
        await gateway.fetch_payment("../../admin?x=1")
    assert provider.received[0].line.startswith("GET /simulated/orders/..%2F..%2Fadmin%3Fx%3D1 ")


@pytest.mark.parametrize("fault", [HANG_UP, (500, b"oops"), (503, b""), (429, b""), (302, b"")])
async def test_a_lost_answer_is_asked_for_again_with_the_same_reference(
    provider: Loopback, gateway: SimulatedGateway, fault: tuple[int, bytes]
) -> None:
    """After a fault the same request is sent again, and the second answer counts."""
    provider.will_answer(fault, (200, {"id": "sim_1", "checkout_url": "http://pay"}))
    assert (await gateway.create_order(ORDER)).order_id == "sim_1"
    first, second = provider.received
    assert first == second


@pytest.mark.parametrize("fault", [HANG_UP, (500, b"oops"), (429, b""), (302, b"")])
async def test_a_provider_that_stays_away_is_unavailable(
    provider: Loopback, gateway: SimulatedGateway, fault: tuple[int, bytes]
) -> None:
    """After ATTEMPTS faults the gateway says so, and has not followed a redirect."""
    provider.will_answer(fault)
    with pytest.raises(GatewayUnavailable):
        await gateway.create_order(ORDER)
    assert len(provider.received) == ATTEMPTS


async def test_a_closed_port_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that does not listen is unavailable."""
    monkeypatch.setattr(calls, "RETRY_SECONDS", 0)
    gateway = SimulatedGateway(f"http://127.0.0.1:{free_port()}", [SECRET])
    with pytest.raises(GatewayUnavailable):
        await gateway.fetch_payment("sim_1")
    await gateway.close()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((422, {"error": "Refund 1 to 5."}), "Refund 1 to 5."),
        ((404, b"<html>"), "The provider refused (status 404)."),
        ((401, []), "The provider refused (status 401)."),
    ],
)
async def test_a_refusal_is_final(
    provider: Loopback, gateway: SimulatedGateway, answer: tuple[int, Any], message: str
) -> None:
    """A 4xx is an answer: it is not asked again, and its sentence is passed on."""
    provider.will_answer(answer)
    with pytest.raises(GatewayRefused) as refused:
        await gateway.refund(REFUND)
    assert (str(refused.value), len(provider.received)) == (message, 1)


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"null", b"{}", orjson.dumps(STANDING | {"status": "new"}), b'{"id": 1, "status": []}'],
)
async def test_an_answer_that_breaks_the_api_is_unavailable(
    provider: Loopback, gateway: SimulatedGateway, answer: bytes
) -> None:
    """A 200 that can't be understood proves nothing about the payment."""
    provider.will_answer((200, answer))
    with pytest.raises(GatewayUnavailable):
        await gateway.fetch_payment("sim_1")
