"""Mandates at Cashfree, against a stand-in: the official description has no subscriptions to check it by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.purchases import PurchaseStatus as S
from domain.recharges import MethodStatus
from domain.refunds import RefundStatus as R
from gateways.base import ChargeRequest, EventKind, MandateRequest, RefundRequest, SavedMethod
from gateways.cashfree import CashfreeGateway, read_event
from tests.gateways.fake_cashfree import account
from tests.gateways.prism import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

MANDATE = "0123456789abcdef0123456789abcdef"
REQUEST = MandateRequest(MANDATE, 1_000_000, "buyer@example.test", "9999999999")
CHARGE = ChargeRequest("fedcba9876543210fedcba9876543210-1", 60_205, "INR", SavedMethod("", MANDATE), "5500 credits")


@dataclass
class FakeSubscriptions:
    """What Cashfree keeps of mandates and their charges, by our ids."""

    mandates: dict[str, dict[str, Any]] = field(default_factory=dict)
    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    loses_answers: bool = False

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/subscriptions", self._create, methods=["POST"]),
                Route("/subscriptions/pay", self._pay, methods=["POST"]),
                Route("/subscriptions/{id}", self._mandate),
                Route("/subscriptions/{id}/manage", self._manage, methods=["POST"]),
                Route("/subscriptions/{id}/payments/{payment}", self._charge),
                Route("/subscriptions/{id}/refunds", self._refund, methods=["POST"]),
                Route("/subscriptions/{id}/refunds/{refund}", self._read_refund),
            ]
        )

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        if asked["subscription_id"] in self.mandates:
            return JSONResponse({"message": "subscription exists", "code": "exists"}, 409)
        words = {"subscription_status": "INITIALIZED", "subscription_session_id": "sub_session_1"}
        self.mandates[asked["subscription_id"]] = asked | words
        return JSONResponse(self.mandates[asked["subscription_id"]])

    async def _pay(self, request: Request) -> Response:
        asked = await request.json()
        if asked["payment_id"] in self.charges:
            return JSONResponse({"message": "payment exists", "code": "exists"}, 409)
        self.charges[asked["payment_id"]] = asked | {"payment_status": "INITIALIZED", "cf_payment_id": "77"}
        return Response(status_code=502) if self.loses_answers else JSONResponse(self.charges[asked["payment_id"]])

    async def _mandate(self, request: Request) -> Response:
        return JSONResponse(self.mandates[request.path_params["id"]])

    async def _charge(self, request: Request) -> Response:
        return JSONResponse(self.charges[request.path_params["payment"]])

    async def _refund(self, request: Request) -> Response:
        asked = await request.json()
        if asked["refund_id"] in self.refunds:
            return JSONResponse({"message": "refund exists", "code": "exists"}, 409)
        told = {"cf_payment_id": "77", "cf_refund_id": "r-1", "refund_status": "INITIALIZED"}
        self.refunds[asked["refund_id"]] = asked | told
        return JSONResponse(self.refunds[asked["refund_id"]])

    async def _read_refund(self, request: Request) -> Response:
        found = self.refunds.get(request.path_params["refund"])
        return JSONResponse(found or {"message": "no such refund", "code": "not_found"}, 200 if found else 404)

    async def _manage(self, request: Request) -> Response:
        mandate = self.mandates[request.path_params["id"]]
        if mandate["subscription_status"] == "CANCELLED":
            return JSONResponse({"message": "already cancelled", "code": "invalid"}, 400)
        mandate["subscription_status"] = "CANCELLED"
        return JSONResponse(mandate)


@pytest.fixture
def provider() -> FakeSubscriptions:
    """A new provider."""
    return FakeSubscriptions()


@pytest.fixture
async def gateway(provider: FakeSubscriptions) -> AsyncIterator[CashfreeGateway]:
    """The client of it."""
    async with serving(provider.app()) as url:
        opened = CashfreeGateway(account(url))
        yield opened
        await opened.close()


async def test_a_mandate_is_asked_for_once(provider: FakeSubscriptions, gateway: CashfreeGateway) -> None:
    """It is on demand, up to the limit in rupees, and is approved on our page, which opens Cashfree's."""
    mandate, again = [await gateway.create_mandate(REQUEST) for _ in range(2)]
    [asked] = provider.mandates.values()
    assert mandate == again
    assert (mandate.status, (mandate.approval_url or "").partition("#")[2]) == (
        MethodStatus.PENDING,
        "sub:sub_session_1",
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
    provider: FakeSubscriptions, gateway: CashfreeGateway, said: str, status: MethodStatus
) -> None:
    """It can be charged once it is active, and never when it has ended."""
    await gateway.create_mandate(REQUEST)
    provider.mandates[MANDATE]["subscription_status"] = said
    assert (await gateway.fetch_mandate(MANDATE)).status is status


async def test_a_debit_is_announced_once_and_followed(provider: FakeSubscriptions, gateway: CashfreeGateway) -> None:
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


async def test_a_debit_is_refunded_once_and_followed(provider: FakeSubscriptions, gateway: CashfreeGateway) -> None:
    """The same reference refunds once; what Cashfree says of it is read by it, and one that was never sent is none."""
    payment = await gateway.charge(CHARGE)
    asked = RefundRequest("e" * 32, payment.order_id, 12_040, "INR", "77")
    first, second = [await gateway.refund(asked) for _ in range(2)]
    assert (first, first.status, first.total_minor, len(provider.refunds)) == (second, R.PENDING, 12_040, 1)
    assert provider.refunds["e" * 32]["payment_id"] == CHARGE.reference
    provider.refunds["e" * 32]["refund_status"] = "SUCCESS"
    told = await gateway.fetch_reversals(payment.order_id, "77", ["e" * 32, "f" * 32])
    assert [(refund.reference, refund.status) for refund in told.refunds] == [("e" * 32, R.SUCCEEDED)]


async def test_a_mandate_is_cancelled(provider: FakeSubscriptions, gateway: CashfreeGateway) -> None:
    """Cancelling one that has ended already is no error."""
    await gateway.create_mandate(REQUEST)
    for _ in range(2):
        await gateway.forget(SavedMethod("", MANDATE))
    assert provider.mandates[MANDATE]["subscription_status"] == "CANCELLED"


def test_a_debit_s_message_names_its_charge() -> None:
    """What Cashfree tells of a debit leads to the same charge."""
    data = {
        "subscription_id": MANDATE,
        "payment_id": CHARGE.reference,
        "cf_payment_id": 77,
        "payment_status": "SUCCESS",
    }
    event = read_event(orjson.dumps({"type": "SUBSCRIPTION_PAYMENT_SUCCESS", "data": data}))
    assert (event.kind, event.order_id) == (EventKind.PAYMENT, f"mandate:{MANDATE}:{CHARGE.reference}")
