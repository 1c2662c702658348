"""Stripe's subscriptions and their invoices, in newer and older versions, by Stripe's own example objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import stripe

from domain.purchases import PurchaseStatus as S
from domain.subscriptions import BillingInterval, SubscriptionStatus
from gateways.base import EventKind, OrderRequest
from gateways.stripe import StripeGateway, read_event
from gateways.stripe_answers import read_invoice
from tests.gateways.fake_stripe import PERIOD_END, FakeStripe, account
from tests.gateways.prism import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REFERENCE = "0123456789abcdef0123456789abcdef-1"
ORDER = OrderRequest(REFERENCE, 60_200, "INR", "CREDIT_CARD", "5500 credits", interval=BillingInterval.MONTH)


@pytest.fixture
def provider() -> FakeStripe:
    """A new provider."""
    return FakeStripe()


@pytest.fixture
async def gateway(provider: FakeStripe) -> AsyncIterator[StripeGateway]:
    """The client of it."""
    async with serving(provider.app()) as url:
        opened = StripeGateway(account(url))
        yield opened
        await opened.close()


async def subscribed(provider: FakeStripe, gateway: StripeGateway) -> tuple[str, str]:
    """A session that was paid, and its subscription."""
    order = await gateway.create_order(ORDER)
    return order.order_id, provider.subscribe(order.order_id)


async def test_a_checkout_begins_a_subscription(provider: FakeStripe, gateway: StripeGateway) -> None:
    """It has the price of a month, and our reference for the subscription and so for each of its invoices."""
    order = await gateway.create_order(ORDER)
    session = provider.sessions[order.order_id]
    assert (session["mode"], session["interval"], session["subscription_data"]["reference"]) == (
        ("subscription", "month", REFERENCE)
    )
    assert "payment_intent_data[metadata][reference]" not in provider.asked[0]


async def test_checkout_and_first_invoice_are_one_payment(provider: FakeStripe, gateway: StripeGateway) -> None:
    """Both name our first order and the same intent, so whichever comes first grants."""
    session, subscription = await subscribed(provider, gateway)
    both = [await gateway.fetch_payment(order) for order in (session, "in_0")]
    assert [(one.status, one.reference, one.payment_id, one.renews) for one in both] == [
        (S.SUCCESS, REFERENCE, "pi_0", False)
    ] * 2
    assert {(one.subscription_id, one.total_minor) for one in both} == {(subscription, 60_200)}


@pytest.mark.parametrize(
    ("status", "expected", "is_final"),
    [
        ("paid", S.SUCCESS, True),
        ("open", S.FAILED, False),
        ("void", S.FAILED, True),
        ("uncollectible", S.FAILED, True),
        ("draft", S.PROCESSING, False),
    ],
)
async def test_a_renewal_is_read(
    provider: FakeStripe, gateway: StripeGateway, status: str, expected: S, is_final: bool
) -> None:
    """An open invoice was declined as soon as it was attempted, and is tried again; a draft was not attempted."""
    _, subscription = await subscribed(provider, gateway)
    made = provider.invoice(subscription, status, attempt_count=int(status != "draft"))
    payment = await gateway.fetch_payment(made["id"])
    assert (payment.status, payment.is_final, payment.renews, payment.reference) == (
        expected,
        is_final,
        True,
        REFERENCE,
    )
    assert (payment.payment_id, payment.total_minor) == ("pi_1" if expected is S.SUCCESS else None, 60_200)


def test_an_invoice_of_an_older_version_is_read() -> None:
    """Before 2025 an invoice named its subscription, metadata and intent in fields of its own."""
    details = {"metadata": {"reference": REFERENCE}}
    old: dict[str, Any] = {"id": "in_9", "object": "invoice", "status": "paid", "billing_reason": "subscription_cycle"}
    old |= {"subscription": "sub_9", "subscription_details": details, "payment_intent": "pi_9", "attempt_count": 1}
    old |= {"amount_paid": 60_200, "amount_due": 60_200, "currency": "inr"}
    payment = read_invoice(stripe.Invoice.construct_from(old, None))
    assert (payment.subscription_id, payment.reference, payment.payment_id) == ("sub_9", REFERENCE, "pi_9")


def test_an_invoice_that_no_intent_paid_is_its_own_payment() -> None:
    """One that was paid out of band is known by its own id, so that it grants once as well."""
    paid: dict[str, Any] = {"id": "in_9", "object": "invoice", "status": "paid", "billing_reason": "subscription_cycle"}
    paid |= {"amount_paid": 1, "amount_due": 0, "currency": "inr", "payments": {"data": []}}
    payment = read_invoice(stripe.Invoice.construct_from(paid, None))
    assert (payment.payment_id, payment.subscription_id, payment.reference) == ("in_9", None, "")


async def test_a_subscription_is_read_and_ended(provider: FakeStripe, gateway: StripeGateway) -> None:
    """Its period, its invoices with the oldest first, and its end, which may be asked for twice."""
    _, subscription = await subscribed(provider, gateway)
    provider.invoice(subscription)
    told = await gateway.fetch_subscription(subscription)
    assert (told.reference, told.status, told.order_ids) == (REFERENCE, SubscriptionStatus.ACTIVE, ["in_0", "in_1"])
    assert told.paid_until == datetime.fromtimestamp(PERIOD_END, UTC)
    ended = [(await gateway.cancel_subscription(subscription)).status for _ in range(2)]
    assert ended == [SubscriptionStatus.CANCELLED] * 2


NEW = {"parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}}


@pytest.mark.parametrize(
    ("type_", "about", "kind", "order_id"),
    [
        ("invoice.paid", {"id": "in_1", **NEW}, EventKind.PAYMENT, "in_1"),
        ("invoice.paid", {"id": "in_1", "subscription": "sub_1"}, EventKind.PAYMENT, "in_1"),
        ("invoice.payment_failed", {"id": "in_1", "subscription": {"id": "sub_1"}}, EventKind.PAYMENT, "in_1"),
        ("invoice.paid", {"id": "in_1", "subscription": None}, EventKind.OTHER, None),
        ("customer.subscription.deleted", {"id": "sub_1"}, EventKind.SUBSCRIPTION, "sub_1"),
        ("customer.subscription.updated", {"id": "sub_1"}, EventKind.SUBSCRIPTION, "sub_1"),
    ],
)
def test_what_a_message_is_about(type_: str, about: dict[str, Any], kind: EventKind, order_id: str | None) -> None:
    """An invoice of a subscription is a payment, by the fields of either version; any other is none of ours."""
    event = read_event(orjson.dumps({"id": "evt_1", "type": type_, "data": {"object": about}}))
    assert (event.kind, event.order_id) == (kind, order_id)
