"""Payment figures for those who run a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import payments as queries
from domain.analytics import day_range
from domain.payments import PaymentReport
from domain.permissions import Actor, Permission
from domain.usage import checked_zone, instants

if TYPE_CHECKING:
    from datetime import date

    from domain.payments import QueueLag
    from services.coffer import Coffer


async def payment_report(
    coffer: Coffer, actor: Actor, from_day: date | None, to_day: date | None, time_zone: str | None
) -> PaymentReport:
    """Purchases started in a range of days, by default the last 30, as they stand now. InvalidInput."""
    actor.require(Permission.ANALYSE)
    zone = checked_zone(time_zone)
    start, end = day_range(from_day, to_day, coffer.clock().astimezone(zone).date())
    span = (actor.project_id, *instants(start, end, zone))
    async with coffer.database.snapshot() as session:
        total, gateways, methods, days = await queries.sums(session, *span, zone.key)
        refunds = await queries.refunded(session, *span)
        disputes = await queries.disputed(session, *span)
        recharges = await queries.recharged(session, *span, zone.key)
        fraud = await queries.blocked(session, *span)
        failures = await queries.failures(session, *span)
        dead = await queries.dead_messages(session, *span)
    around = (*refunds, *disputes, *recharges, fraud)
    return PaymentReport(start, end, zone.key, total, *around, gateways, methods, days, failures, dead)


async def queue_lag(coffer: Coffer, actor: Actor) -> list[QueueLag]:
    """What waits in each queue of background work for the project."""
    actor.require(Permission.OPERATE)
    async with coffer.database.reading() as session:
        return await queries.lag(session, actor.project_id)
