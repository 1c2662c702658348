"""The Cashfree client against a stand-in, with Prism checking every message by Cashfree's official description."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from domain.purchases import PurchaseStatus as S
from domain.refunds import DisputeStatus as D
from gateways.base import GatewayRefused, GatewayUnavailable, OrderRequest, RefundRequest
from gateways.cashfree import CashfreeGateway
from tests.gateways.fake_cashfree import PAGE, SESSION, FakeCashfree, account
from tests.gateways.prism import checked, needs_prism, obeying, serving, violations_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs_prism

REFERENCE = "0123456789abcdef0123456789abcdef-1"
ORDER = OrderRequest(REFERENCE, 60_205, "INR", "UPI", "5500 credits", customer="c0ffee00c0ffee00")


@pytest.fixture
def provider() -> FakeCashfree:
    """A new provider."""
    return FakeCashfree()


@pytest.fixture(scope="module")
async def line() -> AsyncIterator[tuple[list[FakeCashfree], str]]:
    """One Prism for all tests, before the provider that stands in the list's first place."""
    current = [FakeCashfree()]

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await current[0].app()(scope, receive, send)

    async with serving(app) as upstream, checked("cashfree.json", upstream) as url:
        yield current, url


@pytest.fixture
async def gateway(provider: FakeCashfree, line: tuple[list[FakeCashfree], str]) -> AsyncIterator[CashfreeGateway]:
    """The client, whose every message has to follow the description."""
    line[0][0] = provider
    async with obeying(CashfreeGateway(account(line[1]))) as opened:
        yield opened


async def test_an_order_is_opened(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """The order carries our reference as its id and exact rupees, and its page is ours with the payment session."""
    order = await gateway.create_order(ORDER)
    assert (order.order_id, order.checkout_url) == (REFERENCE, f"{PAGE}#{SESSION}0")
    assert provider.orders[REFERENCE]["order_amount"] == 602.05
    assert provider.orders[REFERENCE]["order_meta"]["payment_methods"] == "upi"


async def test_the_same_reference_is_the_same_order(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """A second request for one reference, under the same idempotency key, brings the first order."""
    first, second = [await gateway.create_order(ORDER) for _ in range(2)]
    assert (first, len(provider.orders), len(set(provider.keys))) == (second, 1, 1)


@pytest.mark.parametrize(
    ("attempts", "order_status", "expected", "is_final"),
    [
        ([], "ACTIVE", S.PROCESSING, False),
        (["NOT_ATTEMPTED"], "ACTIVE", S.PROCESSING, False),
        (["PENDING"], "ACTIVE", S.PENDING, False),
        (["FAILED"], "ACTIVE", S.FAILED, False),
        (["USER_DROPPED"], "ACTIVE", S.FAILED, False),
        (["FAILED", "PENDING"], "ACTIVE", S.PENDING, False),
        (["FAILED", "SUCCESS"], "PAID", S.SUCCESS, True),
        ([], "EXPIRED", S.FAILED, True),
        (["FAILED"], "TERMINATED", S.FAILED, True),
        ([], "TERMINATION_REQUESTED", S.PROCESSING, False),
    ],
)
async def test_a_payment_is_read(
    provider: FakeCashfree,
    gateway: CashfreeGateway,
    attempts: list[str],
    order_status: str,
    expected: S,
    is_final: bool,
) -> None:
    """Order and attempts together have one meaning; a failed attempt of an open order is not the last word."""
    await gateway.create_order(ORDER)
    for status in attempts:
        provider.attempt(REFERENCE, status)
    provider.orders[REFERENCE]["order_status"] = order_status
    payment = await gateway.fetch_payment(REFERENCE)
    paid = "1453002001" if expected is S.SUCCESS else None
    assert (payment.status, payment.payment_id, payment.total_minor) == (expected, paid, 60_205)
    assert payment.is_final is is_final


@pytest.mark.parametrize(("paid", "expected"), [(602.05, 60_205), (610.0, 60_205), (602.04, 60_204), (6.02, 602)])
async def test_what_was_paid_counts(
    provider: FakeCashfree, gateway: CashfreeGateway, paid: float, expected: int
) -> None:
    """A surcharge on top is not ours; less than the order's amount is told as it is, to the paisa."""
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "SUCCESS", payment_amount=paid)
    assert (await gateway.fetch_payment(REFERENCE)).total_minor == expected


async def test_the_reason_of_a_failure_is_passed_on(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """The latest attempt's own description says why."""
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "FAILED", error_details={"error_description": "Insufficient funds"})
    assert (await gateway.fetch_payment(REFERENCE)).failure_reason == "Insufficient funds"


async def test_a_refund_is_made_once(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """The same reference refunds once and brings the same id; another refunds more."""
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "SUCCESS")
    part = RefundRequest("5e" * 16, REFERENCE, 10_001, "INR")
    first, second = [await gateway.refund(part) for _ in range(2)]
    await gateway.refund(replace(part, reference="5f" * 16, total_minor=50_204))
    assert first == second
    assert [refund["refund_amount"] for refund in provider.refunds.values()] == [100.01, 502.04]


async def test_a_refund_of_too_much_is_refused(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """The provider's own sentence is the refusal."""
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "SUCCESS")
    with pytest.raises(GatewayRefused, match="more than the amount"):
        await gateway.refund(RefundRequest("5e" * 16, REFERENCE, 60_206, "INR"))


async def test_a_cancelled_refund_is_refused(provider: FakeCashfree, gateway: CashfreeGateway) -> None:
    """A refund that the provider cancels at once did not happen."""
    provider.refund_status = "CANCELLED"
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "SUCCESS")
    with pytest.raises(GatewayRefused):
        await gateway.refund(RefundRequest("5e" * 16, REFERENCE, 1, "INR"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("DISPUTE_CREATED", D.OPEN),
        ("CHARGEBACK_MERCHANT_WON", D.WON),
        ("ARBITRATION_MERCHANT_LOST", D.LOST),
        ("PRE_ARBITRATION_MERCHANT_ACCEPTED", D.LOST),
    ],
)
async def test_what_goes_back_is_read(provider: FakeCashfree, gateway: CashfreeGateway, said: str, expected: D) -> None:
    """Refunds, whoever began them, and a dispute with its verdict, reason and last day."""
    await gateway.create_order(ORDER)
    provider.attempt(REFERENCE, "SUCCESS")
    payment = await gateway.fetch_payment(REFERENCE)
    await gateway.refund(RefundRequest("5e" * 16, REFERENCE, 10_001, "INR"))
    provider.refund(REFERENCE, "dashboard", 1.5, "PENDING")
    provider.dispute(REFERENCE, 300.25, said)
    told = await gateway.fetch_reversals(REFERENCE, str(payment.payment_id), [])
    refunds = [(one.reference, one.total_minor, one.status.name) for one in told.refunds]
    assert refunds == [("5e" * 16, 10_001, "SUCCEEDED"), ("dashboard", 150, "PENDING")]
    [dispute] = told.disputes
    assert (dispute.total_minor, dispute.status, dispute.reason) == (30_025, expected, "Fraud Transaction")
    assert dispute.respond_by == datetime(2026, 11, 27, 18, 30, tzinfo=UTC)


async def test_an_unknown_order_is_refused(gateway: CashfreeGateway) -> None:
    """Asking for an order that is not there is an answer, not an outage."""
    with pytest.raises(GatewayRefused, match="does not exist"):
        await gateway.fetch_payment("nobody")


async def test_a_wrong_message_would_be_noticed(line: tuple[list[FakeCashfree], str]) -> None:
    """Prism names what breaks the description, so the other tests mean something."""
    opened = CashfreeGateway(replace(account(line[1]), customer_phone="99999"))
    violations = violations_of(opened._calls)  # noqa: SLF001 - the test listens on the line
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await opened.create_order(ORDER)
    await opened.close()
    assert "customer_phone" in violations[0]


async def test_wrong_credentials_fail_no_purchase(line: tuple[list[FakeCashfree], str]) -> None:
    """A 401 is our own fault, so it is retried once the settings are right, and no buyer is told no."""
    opened = CashfreeGateway(replace(account(line[1]), secrets=["wrong"]))
    with pytest.raises(GatewayUnavailable, match="credentials"):
        await opened.create_order(ORDER)
    await opened.close()
