"""The simulated provider's page, where the buyer decides."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.purchases import PaymentMethod
from tests.services.simulated_steps import NEVER_MS, calling, choose, event, opened, receiving, status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.gateways.loopback import Loopback


@pytest.fixture
def patient(settings: Settings) -> Settings:
    """Settings under which no order pays itself during a test."""
    return replace(settings, simulated_delay_ms=NEVER_MS)


@pytest.fixture
async def buyer(coffer: Coffer, patient: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser."""
    async with calling(coffer, patient) as client:
        client.follow_redirects = True
        yield client


@pytest.fixture
async def inbox(coffer: Coffer) -> AsyncIterator[Loopback]:
    """The merchant's webhook address."""
    async with receiving(coffer) as running:
        yield running


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
