"""Payment figures: what counts as paid, on which day, and what waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from domain.jobs import Queue
from domain.permissions import Role
from services.payments import payment_report, queue_lag
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.permissions import Actor
    from services.coffer import Coffer

PURCHASE = """insert into purchase (uuid, project_id, wallet_id, wallet_uuid, status, method, gateway, amount_minor,
  gst_minor, platform_fee_minor, credits, bonus_credits, currency, idempotency_key, failure_reason, created_at)
values (gen_random_uuid(), $1, $2, $3, $4, $5, $6, 50000, 9000, 1200, 5500, 500, 'INR', gen_random_uuid(), $7, $8)
returning id"""
REFUND = """insert into refund (uuid, project_id, purchase_id, purchase_uuid, gateway, status, amount_minor,
  total_minor, currency, credits, created_at)
select gen_random_uuid(), project_id, id, uuid, gateway, $3, 20000, 24080, 'INR', 2200, $2
from purchase where id = $1"""
DISPUTE = """insert into dispute (uuid, project_id, purchase_id, purchase_uuid, gateway, dispute_id, status,
  amount_minor, total_minor, currency, credits, created_at)
select gen_random_uuid(), project_id, id, uuid, gateway, gen_random_uuid(), $3, 50000, 60200, 'INR', 5500, $2
from purchase where id = $1"""
RECHARGE = """with method as (insert into saved_method (uuid, project_id, wallet_id, wallet_uuid, gateway, customer_id,
  method_id, label, kind, status) values (gen_random_uuid(), $1, $2, $3, 'stripe', 'c', gen_random_uuid(), 'l', 1, 1)
  returning id)
insert into recharge (uuid, project_id, wallet_id, wallet_uuid, number, saved_method_id, state, amount_minor,
  total_minor, currency, created_at)
select gen_random_uuid(), $1, $2, $3, $6, id, $4, 15000, 18060, 'INR', $5 from method"""
FRAUD = """insert into fraud_event (uuid, project_id, wallet_id, wallet_uuid, idempotency_key, amount_minor, points,
  signals, decision, created_at) values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 15000, $4, '{}', $5, $6)"""
JOB = "insert into job (project_id, queue, kind, payload, state, run_at) values ($1, $2, 'k', '{}', $3, $4)"
DEAD = """with event as (insert into gateway_event (project_id, gateway, event_id, type, body, received_at)
  values ($1, $2, gen_random_uuid(), 't', '', $5) returning id)
insert into job (project_id, queue, kind, payload, state, last_error)
select $1, 'webhook.processing', 'gateway.event', jsonb_build_object('event', id), $3, $4 from event"""
MIDNIGHT = datetime(2026, 3, 31, 18, 30, tzinfo=UTC)
"""Where the first of April begins in India."""
BEFORE = MIDNIGHT - timedelta(microseconds=1)
SUCCESS, FAILED, REFUNDED, PENDING = 3, 4, 5, 2


@pytest.fixture
async def seller(coffer: Coffer) -> Actor:
    """The owner of a project of its own."""
    return await owner_of(coffer, uuid4().hex)


@pytest.fixture
async def connection(coffer: Coffer) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that may write rows as they came about."""
    opened = await asyncpg.connect(coffer.database.url)
    yield opened
    await opened.close()


async def test_a_report_counts_purchases_by_their_day_and_outcome(
    coffer: Coffer, seller: Actor, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Paid and refunded ones are success, open ones are neither, and the days are those of the time zone."""
    wallet = await wallet_with(coffer, seller, 0)
    rows = [
        (SUCCESS, 1, "stripe", None, BEFORE),
        (SUCCESS, 1, "stripe", None, MIDNIGHT),
        (REFUNDED, 2, "cashfree", None, MIDNIGHT),
        (FAILED, 2, "cashfree", "declined", MIDNIGHT),
        (PENDING, 1, "stripe", None, MIDNIGHT),
        (SUCCESS, 1, "stripe", None, MIDNIGHT + timedelta(days=1)),
    ]
    ids = [await connection.fetchval(PURCHASE, seller.project_id, wallet.id, wallet.uuid, *row) for row in rows]
    for refund_status in (3, 2, 4):
        await connection.execute(REFUND, ids[0], MIDNIGHT, refund_status)
    for dispute_status in (1, 2, 3):
        await connection.execute(DISPUTE, ids[1], MIDNIGHT, dispute_status)
    report = await payment_report(coffer, seller, date(2026, 4, 1), date(2026, 4, 1), None)
    total = report.total
    assert (total.started, total.succeeded, total.failed, total.success_basis_points) == (4, 2, 1, 6_667)
    assert (total.revenue_minor, total.gst_minor, total.platform_fee_minor) == (100_000, 18_000, 2_400)
    assert [(sums.key, sums.succeeded) for sums in report.gateways] == [("cashfree", 1), ("stripe", 1)]
    assert [(sums.key, sums.failed) for sums in report.methods] == [("UPI", 0), ("DEBIT_CARD", 1)]
    assert [(sums.key, sums.started) for sums in report.days] == [("2026-04-01", 4)]
    assert [(reason.reason, reason.purchases) for reason in report.failures] == [("declined", 1)]
    assert (report.refunds, report.refunded_minor) == (2, 40_000)
    assert (report.disputes, report.disputes_lost, report.disputed_minor) == (3, 1, 150_000)


async def test_a_report_counts_recharges_and_stopped_purchases(
    coffer: Coffer, seller: Actor, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Skipped recharges are no attempts on any day, and a purchase that was found harmless is no fraud."""
    wallet = await wallet_with(coffer, seller, 0)
    whose = (seller.project_id, wallet.id, wallet.uuid)
    for number, state in enumerate((1, 4, 5, 6)):
        await connection.execute(RECHARGE, *whose, state, MIDNIGHT, number)
    for number, at in enumerate((BEFORE, MIDNIGHT + timedelta(days=1)), 10):
        await connection.execute(RECHARGE, *whose, 4, at, number)
    for points, decision in [(30, 1), (60, 2), (60, 3), (0, 1)]:
        await connection.execute(FRAUD, *whose, points, decision, MIDNIGHT)
    report = await payment_report(coffer, seller, date(2026, 4, 1), date(2026, 4, 2), None)
    rows = [report.recharges, *report.recharge_days]
    assert [(row.key, row.attempts, row.succeeded, row.failed, row.revenue_minor) for row in rows] == [
        ("TOTAL", 4, 2, 1, 30_000),
        ("2026-04-01", 3, 1, 1, 15_000),
        ("2026-04-02", 1, 1, 0, 15_000),
    ]
    assert report.fraud_attempts == 2


async def test_a_report_counts_dead_messages_by_provider_and_fault(
    coffer: Coffer, seller: Actor, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Those that wait, of other days or of other projects do not count; the commonest come first."""
    other = await owner_of(coffer, uuid4().hex)
    dead, ready, mismatch = 4, 1, "PaymentMismatch('Asked for 60200 INR, paid 1 INR.')"
    rows = [
        (seller, "stripe", dead, "GatewayRefused('No such order.')", MIDNIGHT),
        *[(seller, "cashfree", dead, mismatch.replace("1", str(paid)), MIDNIGHT) for paid in (1, 2)],
        (seller, "stripe", dead, mismatch, BEFORE),
        (seller, "stripe", ready, mismatch, MIDNIGHT),
        (other, "stripe", dead, mismatch, MIDNIGHT),
    ]
    for whose, gateway, state, error, at in rows:
        await connection.execute(DEAD, whose.project_id, gateway, state, error, at)
    report = await payment_report(coffer, seller, date(2026, 4, 1), date(2026, 4, 1), None)
    found = [(one.gateway, one.reason, one.messages) for one in report.webhook_failures]
    assert found == [("cashfree", "PaymentMismatch", 2), ("stripe", "GatewayRefused", 1)]


async def test_a_report_of_nothing_is_empty(coffer: Coffer, seller: Actor) -> None:
    """Without purchases there is a total of zeros and no rate."""
    report = await payment_report(coffer, seller, None, None, "UTC")
    assert (report.total.started, report.total.success_basis_points, report.days) == (0, None, [])


async def test_lag_is_what_is_due_and_for_how_long(
    coffer: Coffer, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Jobs that wait for a later time are not due, dead ones count apart, and other projects' are not seen."""
    seller, other = await owner_of(coffer, uuid4().hex, Role.ADMIN), await owner_of(coffer, uuid4().hex)
    now = datetime.now(UTC)
    queue = Queue.REFUND_PROCESSING
    for project, state, at in [
        (seller.project_id, 1, now - timedelta(hours=1)),
        (seller.project_id, 1, now - timedelta(minutes=1)),
        (seller.project_id, 1, now + timedelta(hours=1)),
        (seller.project_id, 4, now),
        (other.project_id, 1, now - timedelta(days=1)),
    ]:
        await connection.execute(JOB, project, queue, state, at)
    lags = {lag.queue: lag for lag in await queue_lag(coffer, seller)}
    assert len(lags) == len(Queue)
    assert (lags[queue].due, lags[queue].dead) == (2, 1)
    assert lags[queue].oldest_seconds == pytest.approx(3_600, abs=60)
