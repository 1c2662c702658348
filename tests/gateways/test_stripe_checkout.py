"""The Stripe client's Checkout and refunds against a stand-in that answers with Stripe's own example objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.purchases import PurchaseStatus as S
from gateways.base import GatewayRefused, GatewayUnavailable, OrderRequest, RefundRequest, SavedMethod
from gateways.stripe import StripeGateway
from tests.builders import free_port
from tests.gateways.fake_stripe import RETURN, FakeStripe, account
from tests.gateways.prism import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REFERENCE = "0123456789abcdef0123456789abcdef-1"
ORDER = OrderRequest(REFERENCE, 60_200, "INR", "CREDIT_CARD", "5500 credits", customer="c0ffee")
REFUND = RefundRequest("5e" * 16, "cs_test_0", 10_000, "INR", payment_id="pi_1")


@pytest.fixture
def provider() -> FakeStripe:
    """A new provider."""
    return FakeStripe()


@pytest.fixture
async def url(provider: FakeStripe) -> AsyncIterator[str]:
    """Where it answers."""
    async with serving(provider.app()) as address:
        yield address


@pytest.fixture
async def gateway(url: str) -> AsyncIterator[StripeGateway]:
    """The client of that provider."""
    opened = StripeGateway(account(url))
    yield opened
    await opened.close()


async def test_an_order_is_opened(provider: FakeStripe, gateway: StripeGateway) -> None:
    """The session carries our reference, also on the intent to come, and the total in paise."""
    order = await gateway.create_order(ORDER)
    [asked] = provider.asked
    assert (order.order_id, order.checkout_url) == ("cs_test_0", "https://checkout.example.test/c/pay/0")
    assert asked["client_reference_id"] == asked["payment_intent_data[metadata][reference]"] == REFERENCE
    assert asked["line_items[0][price_data][unit_amount]"] == "60200"
    assert (asked["line_items[0][price_data][currency]"], asked["success_url"]) == ("inr", RETURN)


async def test_the_same_reference_is_the_same_order(provider: FakeStripe, gateway: StripeGateway) -> None:
    """A second request sends the same words under the same idempotency key, and brings the first session."""
    first, second = [await gateway.create_order(ORDER) for _ in range(2)]
    assert (first, len(provider.sessions)) == (second, 1)


@pytest.mark.parametrize(
    ("attempt", "expected", "is_final"),
    [
        (("unpaid", "open", "requires_payment_method", None), S.PROCESSING, False),
        (("unpaid", "open", "requires_payment_method", "Your card was declined."), S.FAILED, False),
        (("unpaid", "complete", "processing", None), S.PENDING, False),
        (("unpaid", "complete", "requires_payment_method", "The bank said no."), S.FAILED, True),
        (("unpaid", "expired", "canceled", None), S.FAILED, True),
        (("paid", "complete", "succeeded", None), S.SUCCESS, True),
    ],
)
async def test_a_payment_is_read(
    provider: FakeStripe, gateway: StripeGateway, attempt: tuple[str, str, str, str | None], expected: S, is_final: bool
) -> None:
    """A session is paid when its payment status says so; complete alone is not enough."""
    payment_status, status, intent, error = attempt
    order = await gateway.create_order(ORDER)
    provider.attempt(order.order_id, intent=intent, payment_status=payment_status, status=status, error=error)
    payment = await gateway.fetch_payment(order.order_id)
    assert (payment.status, payment.is_final, payment.reference) == (expected, is_final, REFERENCE)
    assert (payment.total_minor, payment.currency) == (60_200, "INR")
    assert payment.payment_id == ("pi_1" if expected is S.SUCCESS else None)
    assert payment.failure_reason == (error or "The payment did not come in time." if expected is S.FAILED else None)


async def test_an_unopened_session_is_processing(gateway: StripeGateway) -> None:
    """Before the first attempt there is no intent."""
    order = await gateway.create_order(ORDER)
    assert (await gateway.fetch_payment(order.order_id)).status is S.PROCESSING


@pytest.mark.parametrize(("saves", "expected"), [(True, SavedMethod("cus_1", "pm_1")), (False, None)])
async def test_a_method_is_saved_when_asked(
    provider: FakeStripe, gateway: StripeGateway, saves: bool, expected: SavedMethod | None
) -> None:
    """A payment that may be repeated later brings the customer and method to charge."""
    order = await gateway.create_order(replace(ORDER, saves_method=saves))
    provider.attempt(order.order_id, intent="succeeded", payment_status="paid", status="complete", error=None)
    assert (await gateway.fetch_payment(order.order_id)).saved == expected


async def test_a_refund_is_made_once(provider: FakeStripe, gateway: StripeGateway) -> None:
    """The same reference refunds once, even when the provider has forgotten the idempotency key."""
    first, second = [(await gateway.refund(REFUND)).refund_id for _ in range(2)]
    assert (first, second, len(provider.refunds)) == ("re_0", "re_0", 1)
    assert (await gateway.refund(replace(REFUND, reference="5f" * 16))).refund_id == "re_1"


async def test_a_refund_of_too_much_is_refused(gateway: StripeGateway) -> None:
    """The provider's own sentence is the refusal."""
    with pytest.raises(GatewayRefused, match="greater than unrefunded"):
        await gateway.refund(replace(REFUND, total_minor=60_201))


async def test_a_failed_refund_is_refused(provider: FakeStripe, gateway: StripeGateway) -> None:
    """A refund that failed at once did not happen."""
    provider.refund_status = "failed"
    with pytest.raises(GatewayRefused, match="could not refund"):
        await gateway.refund(REFUND)


async def test_an_unknown_order_is_refused(gateway: StripeGateway) -> None:
    """Asking for a session that is not there is an answer, not an outage."""
    with pytest.raises(GatewayRefused, match="No such checkout"):
        await gateway.fetch_payment("cs_test_none")


async def test_a_wrong_key_fails_no_purchase(url: str) -> None:
    """A 401 is our own fault, so it is retried once the settings are right, and no buyer is told no."""
    opened = StripeGateway(replace(account(url), secret_key="wrong"))  # noqa: S106 - not a secret
    with pytest.raises(GatewayUnavailable, match="AuthenticationError"):
        await opened.create_order(ORDER)
    await opened.close()


async def test_a_provider_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is tried again and then told as an outage."""
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.0)
    monkeypatch.setattr("stripe._http_client.HTTPClient.MAX_DELAY", 0.0)
    opened = StripeGateway(account(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(GatewayUnavailable):
        await opened.create_order(ORDER)
    await opened.close()
