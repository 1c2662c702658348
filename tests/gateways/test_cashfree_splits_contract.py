"""Easy Split at Cashfree against a stand-in, with Prism checking each message by the description's own schemas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from domain.payouts import BankDetails
from domain.splits import VendorDetails
from domain.splits import VendorStatus as V
from gateways.base import GatewayRefused, GatewayUnavailable, OrderRequest, RefundRequest
from gateways.cashfree import CashfreeGateway
from gateways.splits import Part
from tests.gateways.fake_cashfree import account
from tests.gateways.fake_cashfree_splits import FakeSplits
from tests.gateways.prism import checked, needs_prism, obeying, serving, violations_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


pytestmark = needs_prism

WHO = "c0ffee00c0ffee00c0ffee00c0ffee00"
REFERENCE = "0123456789abcdef0123456789abcdef-1"
BANK = BankDetails("026291800001191", "YESB0000262")
DETAILS = VendorDetails("School", "asha@example.com", "9876543210", BANK, "BUSINESS", "Education", "ABCDE1234F")
PARTS = [Part(WHO, 10_005)]


@pytest.fixture
def provider() -> FakeSplits:
    """A new provider."""
    return FakeSplits()


@pytest.fixture(scope="module")
async def line() -> AsyncIterator[tuple[list[FakeSplits], str]]:
    """One Prism for all tests, before the provider that stands in the list's first place."""
    current = [FakeSplits()]

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await current[0].app()(scope, receive, send)

    async with serving(app) as upstream, checked("cashfree.json", upstream) as url:
        yield current, url


@pytest.fixture
async def gateway(provider: FakeSplits, line: tuple[list[FakeSplits], str]) -> AsyncIterator[CashfreeGateway]:
    """The client, whose every message has to follow the description."""
    line[0][0] = provider
    async with obeying(CashfreeGateway(account(line[1]))) as opened:
        yield opened


@pytest.mark.parametrize("bank", [BANK, BankDetails(vpa="asha@okbank")], ids=["account", "upi"])
async def test_a_vendor_is_made_known_once(provider: FakeSplits, gateway: CashfreeGateway, bank: BankDetails) -> None:
    """A second request for one reference reads the first, which is not active before Cashfree says so."""
    details = replace(DETAILS, account=bank)
    assert [await gateway.splits.create_vendor(WHO, details) for _ in range(2)] == [V.PENDING] * 2
    provider.standing = "ACTIVE"
    assert (await gateway.splits.fetch_vendor(WHO), len(provider.vendors)) == (V.ACTIVE, 1)


async def test_a_vendor_is_blocked(provider: FakeSplits, gateway: CashfreeGateway) -> None:
    """A change sends everything again."""
    await gateway.splits.create_vendor(WHO, DETAILS)
    assert await gateway.splits.update_vendor(WHO, replace(DETAILS, is_blocked=True)) is V.BLOCKED
    assert provider.vendors[WHO]["kyc_details"]["pan"] == "ABCDE1234F"


async def test_an_order_carries_its_splits(provider: FakeSplits, gateway: CashfreeGateway) -> None:
    """Exact rupees for each vendor go with the order."""
    order = OrderRequest(REFERENCE, 60_205, "INR", "UPI", "5500 credits", customer="c0ffee00c0ffee00", splits=PARTS)
    await gateway.create_order(order)
    assert provider.orders[REFERENCE]["order_splits"] == [{"vendor_id": WHO, "amount": 100.05}]


async def test_a_paid_order_is_split_once(provider: FakeSplits, gateway: CashfreeGateway) -> None:
    """The same reference is the same idempotency key, and further splits stay possible."""
    await gateway.create_order(OrderRequest(REFERENCE, 60_205, "INR", "UPI", "credits", customer="c0ffee00c0ffee00"))
    for _ in range(2):
        await gateway.splits.split_order(REFERENCE, "r", PARTS)
    assert list(provider.split.values()) == [{"split": [{"vendor_id": WHO, "amount": 100.05}], "disable_split": False}]


async def test_a_refund_takes_its_share_from_vendors(provider: FakeSplits, gateway: CashfreeGateway) -> None:
    """Exact rupees of each vendor go with the refund, and are read again with it; one without vendors names none."""
    order = OrderRequest(REFERENCE, 60_205, "INR", "UPI", "5500 credits", customer="c0ffee00c0ffee00", splits=PARTS)
    await gateway.create_order(order)
    provider.attempt(REFERENCE, "SUCCESS")
    refund = RefundRequest("5e" * 16, REFERENCE, 30_103, "INR", splits=[Part(WHO, 5_002)])
    told = [await gateway.refund(refund) for _ in range(2)]
    await gateway.refund(RefundRequest("5f" * 16, REFERENCE, 1, "INR"))
    assert [one.splits for one in told] == [[Part(WHO, 5_002)]] * 2
    reversals = await gateway.fetch_reversals(REFERENCE, provider.payments[REFERENCE][0]["cf_payment_id"], [])
    assert [one.splits for one in reversals.refunds] == [[Part(WHO, 5_002)], []]
    assert provider.refunds["5e" * 16]["refund_splits"] == [{"vendor_id": WHO, "amount": 50.02}]


async def test_a_split_that_comes_too_late_is_refused(gateway: CashfreeGateway) -> None:
    """The refusal has Cashfree's words."""
    with pytest.raises(GatewayRefused, match="already processed"):
        await gateway.splits.split_order("gone", "r", PARTS)


async def test_a_wrong_message_would_be_noticed(line: tuple[list[FakeSplits], str]) -> None:
    """Prism names what breaks the schemas, so the other tests mean something."""
    opened = CashfreeGateway(account(line[1]))
    violations = violations_of(opened._calls)  # noqa: SLF001 - the test listens on the line
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await opened.splits.create_vendor(WHO, replace(DETAILS, phone=9))  # type: ignore[arg-type]
    await opened.close()
    assert "phone" in violations[0]
