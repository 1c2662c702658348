"""Mandates at Cashfree against a stand-in: Cashfree's own library judges each message, as the description has none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from domain.purchases import PurchaseStatus as S
from domain.recharges import MethodStatus
from domain.refunds import RefundStatus as R
from gateways.base import ChargeRequest, EventKind, MandateRequest, RefundRequest, SavedMethod, WebhookRejected
from gateways.cashfree import CashfreeGateway, read_event
from gateways.cashfree_calls import check_signature, sign
from tests.gateways.cashfree_judge import Judge, calls_of, judging, needs_library
from tests.gateways.fake_cashfree import CLIENT_SECRET, account
from tests.gateways.fake_cashfree_mandates import SESSION, FakeMandates
from tests.gateways.prism import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs_library

MANDATE = "0123456789abcdef0123456789abcdef"
REQUEST = MandateRequest(MANDATE, 1_000_000, "buyer@example.test", "9999999999")
CHARGE = ChargeRequest("fedcba9876543210fedcba9876543210-1", 60_205, "INR", SavedMethod("", MANDATE), "5500 credits")
ORDER = f"mandate:{MANDATE}:{CHARGE.reference}"
DEBIT = {
    "subscription_id": MANDATE,
    "payment_id": CHARGE.reference,
    "cf_payment_id": "77",
    "payment_type": "CHARGE",
    "payment_amount": 602.05,
    "payment_status": "SUCCESS",
}
REFUND = {"payment_id": CHARGE.reference, "cf_payment_id": "77", "cf_refund_id": "r-1", "refund_status": "SUCCESS"}
STATUS = {"subscription_id": MANDATE, "cf_subscription_id": "12341", "subscription_status": "ACTIVE"}


@pytest.fixture
def provider() -> FakeMandates:
    """A new provider."""
    return FakeMandates()


@pytest.fixture(scope="module")
async def judge() -> AsyncIterator[Judge]:
    """One library for all tests."""
    async with judging() as opened:
        yield opened


@pytest.fixture
async def gateway(provider: FakeMandates, judge: Judge) -> AsyncIterator[CashfreeGateway]:
    """The client, whose every call has to be one that the library makes, with an answer that it understands."""
    async with serving(provider.app()) as url:
        opened = CashfreeGateway(account(url))
        made = calls_of(opened._calls)  # noqa: SLF001 - the test listens on the line
        yield opened
        await opened.close()
    assert await judge.faults(made) == []


async def test_a_mandate_is_asked_for_once(provider: FakeMandates, gateway: CashfreeGateway) -> None:
    """It is on demand, up to the limit in rupees, and is approved on our page, which opens Cashfree's."""
    mandate, again = [await gateway.create_mandate(REQUEST) for _ in range(2)]
    [asked] = provider.mandates.values()
    assert mandate == again
    assert (mandate.status, (mandate.approval_url or "").partition("#")[2]) == (
        MethodStatus.PENDING,
        f"sub:{SESSION}",
    )
    assert (asked["plan_details"]["plan_type"], asked["plan_details"]["plan_max_amount"]) == ("ON_DEMAND", 10_000)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("BANK_APPROVAL_PENDING", MethodStatus.PENDING),
        ("ACTIVE", MethodStatus.ACTIVE),
        ("CUSTOMER_PAUSED", MethodStatus.ACTIVE),
        ("CUSTOMER_CANCELLED", MethodStatus.REMOVED),
        ("EXPIRED", MethodStatus.REMOVED),
    ],
)
async def test_a_mandate_is_read(
    provider: FakeMandates, gateway: CashfreeGateway, said: str, status: MethodStatus
) -> None:
    """It can be charged once it is active, and never when it has ended."""
    await gateway.create_mandate(REQUEST)
    provider.mandates[MANDATE]["subscription_status"] = said
    assert (await gateway.fetch_mandate(MANDATE)).status is status


async def test_a_debit_is_announced_once_and_followed(provider: FakeMandates, gateway: CashfreeGateway) -> None:
    """A lost answer announces no second debit; it is pending until Cashfree says how it ended."""
    provider.loses_answers = True
    payment = await gateway.charge(CHARGE)
    assert (payment.status, payment.reference, payment.total_minor) == (S.PENDING, CHARGE.reference, 60_205)
    assert len(provider.charges) == 1
    provider.charges[CHARGE.reference]["payment_status"] = "SUCCESS"
    paid = await gateway.fetch_payment(payment.order_id)
    assert (paid.status, paid.payment_id) == (S.SUCCESS, "77")
    provider.charges[CHARGE.reference] |= {
        "payment_status": "FAILED",
        "failure_details": {"failure_reason": "No money"},
    }
    failed = await gateway.fetch_payment(payment.order_id)
    assert (failed.status, failed.failure_reason) == (S.FAILED, "No money")


async def test_a_debit_is_refunded_once_and_followed(provider: FakeMandates, gateway: CashfreeGateway) -> None:
    """The same reference refunds once; what Cashfree says of it is read by it, and one that was never sent is none."""
    payment = await gateway.charge(CHARGE)
    asked = RefundRequest("e" * 32, payment.order_id, 12_040, "INR", "77")
    first, second = [await gateway.refund(asked) for _ in range(2)]
    assert (first, first.status, first.total_minor, len(provider.refunds)) == (second, R.PENDING, 12_040, 1)
    assert provider.refunds["e" * 32]["payment_id"] == CHARGE.reference
    provider.refunds["e" * 32]["refund_status"] = "SUCCESS"
    told = await gateway.fetch_reversals(payment.order_id, "77", ["e" * 32, "f" * 32])
    assert [(refund.reference, refund.status) for refund in told.refunds] == [("e" * 32, R.SUCCEEDED)]


@pytest.mark.parametrize("said", ["CANCEL", "FAILED"])
async def test_a_refund_that_cashfree_gives_up_has_failed(
    provider: FakeMandates, gateway: CashfreeGateway, said: str
) -> None:
    """A debit's refund is said to be CANCEL, one of an order CANCELLED."""
    payment = await gateway.charge(CHARGE)
    await gateway.refund(RefundRequest("e" * 32, payment.order_id, 12_040, "INR", "77"))
    provider.refunds["e" * 32]["refund_status"] = said
    [refund] = (await gateway.fetch_reversals(payment.order_id, "77", ["e" * 32])).refunds
    assert refund.status is R.FAILED


async def test_a_mandate_is_cancelled(provider: FakeMandates, gateway: CashfreeGateway) -> None:
    """Cancelling one that has ended already is no error."""
    await gateway.create_mandate(REQUEST)
    for _ in range(2):
        await gateway.forget(SavedMethod("", MANDATE))
    assert provider.mandates[MANDATE]["subscription_status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (["path"], "/subscriptions/new/mandate", "no POST /subscriptions/new/mandate"),
        (["method"], "PATCH", "no PATCH /subscriptions"),
        (["headers", "x-client-secret"], None, "x-client-secret"),
        (["headers", "x-client-key"], "1", "x-client-key"),
        (["body", "plan_details", "plan_limit"], 1, "plan_limit"),
        (["body", "customer_details", "customer_phone"], None, "customer_phone"),
        (["body", "plan_details", "plan_max_amount"], "10000", "plan_max_amount"),
        (["body", "plan_details", "plan_name"], "n" * 41, "plan_name"),
        (["answer", "subscription_state"], "ACTIVE", "subscription_state"),
        (["answer", "cf_subscription_id"], 12341, "cf_subscription_id"),
        (["status"], 409, "answer 409"),
    ],
)
async def test_a_wrong_message_would_be_noticed(
    provider: FakeMandates, judge: Judge, place: list[str], value: object, said: str
) -> None:
    """The library names what is unknown, missing or of another type, so the other tests mean something."""
    async with serving(provider.app()) as url:
        opened = CashfreeGateway(account(url))
        made = calls_of(opened._calls)  # noqa: SLF001 - the test listens on the line
        await opened.create_mandate(REQUEST)
        await opened.close()
    part = made[0]
    for name in place[:-1]:
        part = part[name]
    if value is None:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    [fault] = await judge.faults(made)
    assert said in fault


@pytest.mark.parametrize(
    ("type_", "model", "data", "about"),
    [
        ("SUBSCRIPTION_PAYMENT_SUCCESS", "SubscriptionPaymentEntity", DEBIT, (EventKind.PAYMENT, ORDER)),
        ("SUBSCRIPTION_PAYMENT_FAILED", "SubscriptionPaymentEntity", DEBIT, (EventKind.PAYMENT, ORDER)),
        ("SUBSCRIPTION_PAYMENT_CANCELLED", "SubscriptionPaymentEntity", DEBIT, (EventKind.PAYMENT, ORDER)),
        ("SUBSCRIPTION_AUTH_STATUS", "SubscriptionPaymentEntity", DEBIT, (EventKind.MANDATE, MANDATE)),
        ("SUBSCRIPTION_REFUND_STATUS", "SubscriptionPaymentRefundEntity", REFUND, (EventKind.REFUND, "77")),
        ("SUBSCRIPTION_STATUS_CHANGED", "SubscriptionEntity", STATUS, (EventKind.MANDATE, MANDATE)),
    ],
)
async def test_a_message_leads_to_what_it_is_about(
    judge: Judge, type_: str, model: str, data: dict[str, Any], about: tuple[EventKind, str]
) -> None:
    """Cashfree's messages have the fields of the library's models, and we find the ids that we need in them."""
    assert await judge.faults([{"model": model, "message": data}]) == []
    told = {"subscription_details": data} if model == "SubscriptionEntity" else data
    event = read_event(orjson.dumps({"type": type_, "data": told, "event_time": "2026-11-21T12:00:00+05:30"}))
    assert (event.kind, event.order_id) == about


async def test_the_library_checks_signatures_as_we_do(judge: Judge) -> None:
    """Both accept what the client secret signed, and refuse it under another one."""
    timestamp, body = str(time.time_ns() // 1_000_000), orjson.dumps({"type": "SUBSCRIPTION_PAYMENT_SUCCESS"})
    signature = sign(CLIENT_SECRET, timestamp, body).decode()
    headers = {"x-webhook-timestamp": timestamp, "x-webhook-signature": signature}
    message = {"signature": signature, "body": body.decode(), "timestamp": timestamp}
    check_signature([CLIENT_SECRET], headers, body)
    assert await judge.faults([message | {"secret": CLIENT_SECRET}]) == []
    with pytest.raises(WebhookRejected):
        check_signature(["another"], headers, body)
    assert len(await judge.faults([message | {"secret": "another"}])) == 1
