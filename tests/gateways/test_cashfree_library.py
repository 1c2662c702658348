"""Vendors and splits at Cashfree, whose paths the description lacks, judged by Cashfree's own library."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.payouts import BankDetails
from domain.splits import VendorDetails
from gateways.base import OrderRequest
from gateways.cashfree import CashfreeGateway
from gateways.splits import Part
from tests.gateways.cashfree_judge import calls_of, judging, needs_library
from tests.gateways.fake_cashfree import account
from tests.gateways.fake_cashfree_splits import FakeSplits
from tests.gateways.prism import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = needs_library

WHO = "c0ffee00c0ffee00c0ffee00c0ffee00"
BANK = BankDetails("026291800001191", "YESB0000262")
DETAILS = VendorDetails("School", "asha@example.com", "9876543210", BANK, "BUSINESS", "Education", "ABCDE1234F")
PARTS = [Part(WHO, 10_005)]
ORDER = OrderRequest("0123456789abcdef-1", 60_205, "INR", "UPI", "credits", customer="c0ffee00c0ffee00", splits=PARTS)


@pytest.fixture
def provider() -> FakeSplits:
    """A new provider."""
    return FakeSplits()


@pytest.fixture
async def gateway(provider: FakeSplits) -> AsyncIterator[CashfreeGateway]:
    """The client, whose every call has to be one that the library makes, with an answer that it understands."""
    async with serving(provider.app()) as url:
        opened = CashfreeGateway(account(url))
        made = calls_of(opened._calls)  # noqa: SLF001 - the test listens on the line
        yield opened
        await opened.close()
    async with judging() as judge:
        assert await judge.faults(made) == []


async def test_vendors_and_splits_are_sent_as_the_library_sends_them(
    provider: FakeSplits, gateway: CashfreeGateway
) -> None:
    """Vendors with an account and with a UPI address, and a paid order that is split.

    A vendor's change is left out: the library has lists in it, where the documentation's example has none.
    """
    await gateway.splits.create_vendor(WHO, DETAILS)
    await gateway.splits.create_vendor("upi", replace(DETAILS, account=BankDetails(vpa="asha@okbank")))
    await gateway.splits.fetch_vendor(WHO)
    await gateway.create_order(ORDER)
    await gateway.splits.split_order(ORDER.reference, "r", PARTS)
    assert list(provider.vendors) == [WHO, "upi"]
