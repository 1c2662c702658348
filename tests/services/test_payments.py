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
REFUND = """insert into refund (uuid, project_id, purchase_id, purchase_uuid, gateway, currency, amount_minor,
  gst_minor, platform_fee_minor, total_minor, credits, idempotency_key, created_at)
select gen_random_uuid(), project_id, id, uuid, gateway, currency, 20000, 3600, 480, 24080, 2200, 'r', $2
from purchase where id = $1"""
JOB = "insert into job (project_id, queue, kind, payload, state, run_at) values ($1, $2, 'k', '{}', $3, $4)"
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
    await connection.execute(REFUND, ids[0], MIDNIGHT)
    report = await payment_report(coffer, seller, date(2026, 4, 1), date(2026, 4, 1), None)
    total = report.total
    assert (total.started, total.succeeded, total.failed, total.success_basis_points) == (4, 2, 1, 6_667)
    assert (total.revenue_minor, total.gst_minor, total.platform_fee_minor) == (100_000, 18_000, 2_400)
    assert [(sums.key, sums.succeeded) for sums in report.gateways] == [("cashfree", 1), ("stripe", 1)]
    assert [(sums.key, sums.failed) for sums in report.methods] == [("UPI", 0), ("DEBIT_CARD", 1)]
    assert [(sums.key, sums.started) for sums in report.days] == [("2026-04-01", 4)]
    assert [(reason.reason, reason.purchases) for reason in report.failures] == [("declined", 1)]
    assert (report.refunds, report.refunded_minor) == (1, 20_000)


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
