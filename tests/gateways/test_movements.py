"""Providers' lists of the money that they took and gave back, page by page, held to their official descriptions."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from domain.totals import MoneyMovement as M
from domain.totals import Movement, Span
from gateways import cashfree_movements, movements, polar_movements, stripe_movements
from gateways.base import GatewayRefused, OrderRequest
from gateways.cashfree import CashfreeGateway
from gateways.polar import PolarGateway
from gateways.stripe import StripeGateway
from tests.gateways import fake_cashfree, fake_polar, fake_stripe
from tests.gateways.cashfree_judge import calls_of, judging, needs_library
from tests.gateways.fake_cashfree import FakeCashfree
from tests.gateways.fake_polar import FakePolar
from tests.gateways.fake_stripe import FakeStripe, example
from tests.gateways.prism import checked, needs_prism, obeying, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = Span(NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=1))
REFERENCE = "5e" * 16
ORDER = OrderRequest(REFERENCE, 50_000, "INR", "CREDIT_CARD", "5500 credits", customer="c0ffee")
RECON: dict[str, Any] = {
    "event_id": "43594",
    "event_type": "PAYMENT",
    "event_status": "SUCCESS",
    "event_amount": 602.05,
    "event_currency": "INR",
    "event_time": "2026-11-20T17:30:00+05:30",
    "entity": "recon",
    "sale_type": "CREDIT",
    "order_id": "c0ffee-1",
    "order_amount": 602.05,
    "cf_payment_id": "1234881617186388204",
}
NESTED: dict[str, Any] = {
    "event_details": {name: RECON[name] for name in RECON if name.startswith("event") or name == "sale_type"},
    "order_details": {name: RECON[name] for name in RECON if name.startswith("order")},
    "payment_details": {"cf_payment_id": RECON["cf_payment_id"]},
}
RECON_REFUND = RECON | {"event_type": "REFUND", "event_amount": 100, "event_id": "77", "refund_id": REFERENCE}


@asynccontextmanager
async def cashfree(provider: FakeCashfree) -> AsyncIterator[CashfreeGateway]:
    """The client, whose every message has to follow the description."""
    async with (
        serving(provider.app()) as upstream,
        checked("cashfree.json", upstream) as url,
        obeying(CashfreeGateway(fake_cashfree.account(url))) as opened,
    ):
        yield opened


@asynccontextmanager
async def polar(provider: FakePolar) -> AsyncIterator[PolarGateway]:
    """The same for Polar."""
    async with (
        serving(provider.app()) as upstream,
        checked("polar.json", upstream) as url,
        obeying(PolarGateway(fake_polar.account(url))) as opened,
    ):
        yield opened


@asynccontextmanager
async def stripe(provider: FakeStripe) -> AsyncIterator[StripeGateway]:
    """Stripe's client, before Stripe's example objects."""
    async with serving(provider.app()) as url:
        opened = StripeGateway(fake_stripe.account(url))
        yield opened
        await opened.close()


@needs_prism
async def test_cashfree_lists_payments_and_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of India's time over several pages; surcharges, failures and other events are not ours."""
    monkeypatch.setattr(cashfree_movements, "PAGE_EVENTS", 2)
    surcharged = RECON | {"event_amount": 612.05, "cf_payment_id": "2", "event_time": "2026-11-20T17:30:00"}
    failed = [one | {"event_status": status} for one, status in ((RECON, "FAILED"), (RECON_REFUND, "CANCELLED"))]
    others = [RECON | {"event_type": "SETTLEMENT"}, RECON | {"event_type": "DISPUTE"}]
    provider = FakeCashfree(events=[RECON, *failed, surcharged, *others, RECON_REFUND])
    async with cashfree(provider) as gateway:
        found = await gateway.movements.list_movements(DAY)
    paid = Movement(M.PAYMENT, "1234881617186388204", 60_205, "INR", NOON, "c0ffee-1", "1234881617186388204")
    assert [(one.kind, one.id, one.amount_minor, one.at) for one in found] == [
        (M.PAYMENT, paid.id, 60_205, NOON),
        (M.PAYMENT, "2", 60_205, NOON),
        (M.REFUND, "77", 10_000, NOON),
    ]
    assert (found[0], found[-1].reference, found[-1].payment_id) == (paid, REFERENCE, paid.id)
    assert [asked["pagination"].get("cursor") for asked in provider.listed] == [None, "2", "4", "6"]
    assert provider.listed[0]["filters"] == {"start_date": "2026-11-20T00:00:00Z", "end_date": "2026-11-21T00:00:00Z"}


@needs_library
async def test_cashfree_is_asked_as_its_library_asks() -> None:
    """Cashfree's own library makes the same call, and understands the answer, which is nested in newer versions."""
    provider = FakeCashfree(events=[NESTED])
    async with serving(provider.app()) as url:
        gateway = CashfreeGateway(fake_cashfree.account(url))
        made = calls_of(gateway._calls)  # noqa: SLF001 - the test listens on the line
        [found] = await gateway.movements.list_movements(DAY)
        await gateway.close()
    assert (found.id, found.order_id) == (RECON["cf_payment_id"], RECON["order_id"])
    assert (found.amount_minor, found.at) == (60_205, NOON)
    async with judging() as judge:
        assert await judge.faults(made) == []


@needs_prism
async def test_polar_lists_orders_and_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Net amounts over several pages; what is not paid is left out, and refunds end with the first that is too old."""
    monkeypatch.setattr(polar_movements, "PAGE_ENTRIES", 2)
    provider = FakePolar()
    async with polar(provider) as gateway:
        order = await gateway.create_order(ORDER)
        at = {"created_at": NOON.isoformat()}
        ids = [provider.pay(order.order_id, status, **at) for status in ("paid", "void", "refunded")]
        other = provider.refund(ids[0], 500, metadata={"reference": REFERENCE}, **at)
        provider.refund(ids[0], 600, status="failed", **at)
        old = [provider.refund(ids[0], 700, created_at="2026-11-19T23:59:59Z") for _ in range(3)]
        found = await gateway.movements.list_movements(DAY)
    assert [(one.kind, one.id, one.amount_minor) for one in found] == [
        (M.PAYMENT, ids[0], 50_000),
        (M.PAYMENT, ids[2], 50_000),
        (M.REFUND, other["id"], 500),
    ]
    assert (found[0].order_id, found[0].at, found[0].currency) == (order.order_id, NOON, "INR")
    assert (found[2].reference, found[2].payment_id, len(old)) == (REFERENCE, ids[0], 3)
    assert [asked["page"] for asked in provider.pages] == ["1", "2", "1", "2"]


async def test_stripe_lists_charges_and_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captured charges by their intents, over several pages, with our reference; a failed refund is left out."""
    monkeypatch.setattr(stripe_movements, "PAGE_ENTRIES", 2)
    provider, created = FakeStripe(), int(NOON.timestamp())
    words: dict[str, Any] = {
        "created": created,
        "currency": "inr",
        "paid": True,
        "captured": True,
        "amount_captured": 60_200,
    }
    changed: list[dict[str, Any]] = [{}, {}, {"paid": False}, {"captured": False}, {"created": created - 86_400}]
    for number, changes in enumerate(changed):
        more: dict[str, Any] = {
            "id": f"ch_{number}",
            "payment_intent": f"pi_{number}",
            "metadata": {"reference": f"{REFERENCE}-1"},
        }
        provider.charges.append(example("charge", **words | more | changes))
    provider.refund("pi_0", 500, created=created, metadata={"reference": REFERENCE})
    provider.refund("pi_0", 600, created=created, status="failed")
    async with stripe(provider) as gateway:
        found = await gateway.movements.list_movements(DAY)
    assert found == [
        Movement(M.PAYMENT, "pi_1", 60_200, "INR", NOON, "pi_1", reference=f"{REFERENCE}-1"),
        Movement(M.PAYMENT, "pi_0", 60_200, "INR", NOON, "pi_0", reference=f"{REFERENCE}-1"),
        Movement(M.REFUND, "re_0", 500, "INR", NOON, payment_id="pi_0", reference=REFERENCE),
    ]


async def test_a_list_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """More pages than one round can read are no list: half of one would be full of differences."""
    monkeypatch.setattr(movements, "LISTED_PAGES", 3)

    async def read(place: str | None) -> tuple[list[int], str | None]:
        return [1], place or "again"

    with pytest.raises(GatewayRefused, match="more than 3 pages"):
        [one async for one in movements.every_page(read)]
