"""The Polar client against a stand-in, with Prism checking every message by Polar's official description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from domain.purchases import PurchaseStatus as S
from domain.refunds import DisputeStatus as D
from domain.subscriptions import BillingInterval, SubscriptionStatus
from gateways.base import ChargeRequest, GatewayRefused, GatewayUnavailable, OrderRequest, RefundRequest, SavedMethod
from gateways.polar import PolarGateway
from tests.gateways.fake_polar import MONTHLY, PRODUCT, FakePolar, account
from tests.gateways.prism import checked, needs_prism, obeying, serving, violations_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs_prism

REFERENCE = "0123456789abcdef0123456789abcdef-1"
ORDER = OrderRequest(REFERENCE, 50_000, "INR", "CREDIT_CARD", "5500 credits", customer="c0ffee")


@pytest.fixture
def provider() -> FakePolar:
    """A new provider."""
    return FakePolar()


@pytest.fixture(scope="module")
async def line() -> AsyncIterator[tuple[list[FakePolar], str]]:
    """One Prism for all tests, before the provider that stands in the list's first place."""
    current = [FakePolar()]

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await current[0].app()(scope, receive, send)

    async with serving(app) as upstream, checked("polar.json", upstream) as url:
        yield current, url


@pytest.fixture
async def gateway(provider: FakePolar, line: tuple[list[FakePolar], str]) -> AsyncIterator[PolarGateway]:
    """The client, whose every message has to follow the description."""
    line[0][0] = provider
    async with obeying(PolarGateway(account(line[1]))) as opened:
        yield opened


async def paid(provider: FakePolar, gateway: PolarGateway) -> RefundRequest:
    """A paid order, and a refund of part of it."""
    checkout = await gateway.create_order(ORDER)
    return RefundRequest("5e" * 16, checkout.order_id, 10_000, "INR", provider.pay(checkout.order_id))


async def test_a_checkout_is_opened(provider: FakePolar, gateway: PolarGateway) -> None:
    """It carries our reference and customer, one price before tax, and admits no discount codes."""
    order = await gateway.create_order(ORDER)
    [asked] = provider.asked
    price = {"amount_type": "fixed", "price_amount": 50_000, "price_currency": "inr", "tax_behavior": "exclusive"}
    assert order.checkout_url == provider.checkouts[order.order_id]["url"]
    assert (asked["metadata"], asked["external_customer_id"]) == ({"reference": REFERENCE}, "c0ffee")
    assert (asked["prices"], asked["allow_discount_codes"]) == ({PRODUCT: [price]}, False)


@pytest.mark.parametrize(
    ("status", "expected", "is_final"),
    [
        ("open", S.PROCESSING, False),
        ("confirmed", S.PENDING, False),
        ("succeeded", S.PENDING, False),
        ("failed", S.FAILED, True),
        ("expired", S.FAILED, True),
    ],
)
async def test_a_checkout_without_an_order_is_read(
    provider: FakePolar, gateway: PolarGateway, status: str, expected: S, is_final: bool
) -> None:
    """A checkout alone never pays: even a successful one waits for its order."""
    order = await gateway.create_order(ORDER)
    provider.checkouts[order.order_id]["status"] = status
    payment = await gateway.fetch_payment(order.order_id)
    assert (payment.status, payment.is_final, payment.payment_id) == (expected, is_final, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", S.PENDING),
        ("draft", S.PENDING),
        ("void", S.PENDING),
        ("paid", S.SUCCESS),
        ("partially_refunded", S.SUCCESS),
        ("refunded", S.SUCCESS),
    ],
)
async def test_an_order_is_read(provider: FakePolar, gateway: PolarGateway, status: str, expected: S) -> None:
    """What was paid stays paid when it is refunded, and the net amount is what counts."""
    checkout = await gateway.create_order(ORDER)
    order_id = provider.pay(checkout.order_id, status)
    payment = await gateway.fetch_payment(checkout.order_id)
    assert (payment.status, payment.reference, payment.total_minor, payment.currency) == (
        (expected, REFERENCE, 50_000, "INR")
    )
    assert payment.payment_id == (order_id if expected is S.SUCCESS else None)


async def test_a_discount_is_told(provider: FakePolar, gateway: PolarGateway) -> None:
    """Less than the price is told as it is, so that it buys nothing unseen."""
    checkout = await gateway.create_order(ORDER)
    provider.pay(checkout.order_id, net_amount=100)
    assert (await gateway.fetch_payment(checkout.order_id)).total_minor == 100


async def test_a_refund_is_made_once(provider: FakePolar, gateway: PolarGateway) -> None:
    """Without idempotency keys, the same reference is found among the order's refunds; another refunds more."""
    part = await paid(provider, gateway)
    first, again = [await gateway.refund(part) for _ in range(2)]
    second = await gateway.refund(replace(part, reference="5f" * 16))
    assert (first == again != second, len(provider.refunds)) == (True, 2)


async def test_a_refund_of_too_much_is_refused(provider: FakePolar, gateway: PolarGateway) -> None:
    """The provider's own sentence is the refusal."""
    part = await paid(provider, gateway)
    with pytest.raises(GatewayRefused, match="already fully refunded"):
        await gateway.refund(replace(part, total_minor=50_001))


async def test_a_failed_refund_is_refused(provider: FakePolar, gateway: PolarGateway) -> None:
    """A refund that failed at once did not happen."""
    provider.refund_status = "failed"
    with pytest.raises(GatewayRefused, match="failed"):
        await gateway.refund(await paid(provider, gateway))


@pytest.mark.parametrize(
    ("said", "expected"), [("needs_response", D.OPEN), ("under_review", D.OPEN), ("won", D.WON), ("lost", D.LOST)]
)
async def test_what_goes_back_is_read(provider: FakePolar, gateway: PolarGateway, said: str, expected: D) -> None:
    """Refunds, whoever began them, and a dispute with its verdict, net of Polar's tax."""
    part = await paid(provider, gateway)
    order = str(part.payment_id)
    await gateway.refund(part)
    provider.refund(order, 5)
    provider.dispute(order, 40_000, said)
    told = await gateway.fetch_reversals(part.order_id, order, [])
    assert [(one.reference, one.total_minor) for one in told.refunds] == [(part.reference, 10_000), ("", 5)]
    assert [(one.total_minor, one.currency, one.status) for one in told.disputes] == [(40_000, "INR", expected)]


async def test_an_unknown_checkout_is_refused(gateway: PolarGateway) -> None:
    """Asking for a checkout that is not there is an answer, not an outage."""
    with pytest.raises(GatewayRefused, match="Not found"):
        await gateway.fetch_payment(str(uuid4()))


async def test_a_wrong_message_would_be_noticed(line: tuple[list[FakePolar], str]) -> None:
    """Prism names what breaks the description, so the other tests mean something."""
    opened = PolarGateway(account(line[1]))
    violations = violations_of(opened._calls)  # noqa: SLF001 - the test listens on the line
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await opened.create_order(replace(ORDER, currency="XYZ"))
    await opened.close()
    assert "currency" in violations[0]


async def test_a_refund_whose_answer_is_lost_is_not_sent_again(provider: FakePolar) -> None:
    """It is sent once; the next time it is found."""
    provider.loses_answers = True
    async with serving(provider.app()) as url:
        opened = PolarGateway(account(url))
        part = await paid(provider, opened)
        with pytest.raises(GatewayUnavailable):
            await opened.refund(part)
        assert (await opened.refund(part)).refund_id == provider.refunds[0]["id"]
        await opened.close()
    assert len(provider.refunds) == 1


async def test_a_wrong_token_fails_no_purchase(provider: FakePolar) -> None:
    """A 401 is our own fault, so it is retried once the settings are right, and no buyer is told no."""
    async with serving(provider.app()) as url:
        opened = PolarGateway(replace(account(url), access_token="wrong"))  # noqa: S106 - not a secret
        with pytest.raises(GatewayUnavailable, match="token"):
            await opened.create_order(ORDER)
        await opened.close()


CHARGE = ChargeRequest(REFERENCE, 50_000, "INR", SavedMethod(str(uuid4()), "default"), "5500 credits")


async def test_a_saved_method_is_charged_once_for_its_reference(provider: FakePolar) -> None:
    """A lost answer is found again by the reference: one order, paid, that reads the same."""
    provider.loses_answers = True
    async with serving(provider.app()) as url:
        opened = PolarGateway(account(url))
        with pytest.raises(GatewayUnavailable):
            await opened.charge(CHARGE)
        payment = await opened.charge(CHARGE)
        assert (payment.status, payment.reference, payment.total_minor) == (S.SUCCESS, REFERENCE, 50_000)
        assert await opened.fetch_payment(payment.order_id) == payment
        await opened.close()
    assert len(provider.orders) == 1


@pytest.mark.parametrize("error", ["PaymentFailed", "PaymentActionRequired"])
async def test_a_decline_of_a_saved_method_fails_the_payment(
    provider: FakePolar, gateway: PolarGateway, error: str
) -> None:
    """A declined card, or a bank that wants the buyer, is a failed payment with Polar's words."""
    provider.refuses = (402, error, "Your card was declined.")
    payment = await gateway.charge(CHARGE)
    assert (payment.status, payment.failure_reason) == (S.FAILED, "Your card was declined.")


async def test_an_organisation_that_may_not_charge_says_so(provider: FakePolar, gateway: PolarGateway) -> None:
    """Without Polar's leave a charge is refused for good."""
    provider.refuses = (403, "OffSessionChargesNotEnabled", "Off-session charges are not enabled.")
    with pytest.raises(GatewayRefused, match="ask Polar"):
        await gateway.charge(CHARGE)


async def test_a_subscription_from_checkout_to_its_end(provider: FakePolar, gateway: PolarGateway) -> None:
    """A checkout of the monthly product begins it, each order is a payment of it, and it ends once."""
    begun = await gateway.create_order(replace(ORDER, interval=BillingInterval.MONTH))
    assert provider.asked[0]["products"] == [MONTHLY]
    subscription = provider.subscribe(begun.order_id)
    renewal = provider.renew(subscription)
    told = await gateway.fetch_subscription(subscription)
    assert (told.reference, told.status) == (REFERENCE, SubscriptionStatus.ACTIVE)
    assert told.order_ids[1] == f"order:{renewal}"
    payments = [await gateway.fetch_payment(order) for order in (begun.order_id, *told.order_ids)]
    assert [one.renews for one in payments] == [False, False, True]
    assert payments[0].payment_id == payments[1].payment_id != payments[2].payment_id == renewal
    assert {(one.status, one.reference, one.subscription_id) for one in payments} == {
        (S.SUCCESS, REFERENCE, subscription)
    }
    ended = [(await gateway.cancel_subscription(subscription)).status for _ in range(2)]
    assert ended == [SubscriptionStatus.CANCELLED] * 2


@pytest.mark.parametrize(
    ("words", "expected", "is_final"),
    [
        ({"status": "pending", "next_payment_attempt_at": "2026-12-01T08:00:00Z"}, S.FAILED, False),
        ({"status": "pending"}, S.PROCESSING, False),
        ({"status": "void"}, S.FAILED, True),
    ],
)
async def test_a_renewal_that_is_not_paid_is_read(
    provider: FakePolar, gateway: PolarGateway, words: dict[str, str], expected: S, is_final: bool
) -> None:
    """An order that Polar will try again was declined; one that is void is over."""
    begun = await gateway.create_order(replace(ORDER, interval=BillingInterval.MONTH))
    renewal = provider.renew(provider.subscribe(begun.order_id), **words)
    payment = await gateway.fetch_payment(f"order:{renewal}")
    assert (payment.status, payment.is_final, payment.renews) == (expected, is_final, True)
