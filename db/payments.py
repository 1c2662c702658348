"""Queries of payment figures, over purchases by when they were started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import text

from domain.fraud import FraudDecision
from domain.jobs import PAYMENT_MESSAGE, JobState, Queue
from domain.payments import (
    MAX_COUNTED_JOBS,
    MAX_FAILURE_REASONS,
    FailureReason,
    PaymentSums,
    QueueLag,
    RechargeSums,
    WebhookFailure,
)
from domain.purchases import PaymentMethod, PurchaseStatus
from domain.recharges import RechargeState
from domain.refunds import DisputeStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.database import Session

_PAID: Final = f"status in ({PurchaseStatus.SUCCESS:d}, {PurchaseStatus.REFUNDED:d})"
_FAILED: Final = f"status = {PurchaseStatus.FAILED:d}"
_STARTED: Final = "project_id = :project_id and created_at >= :start and created_at < :end"
_DAY: Final = "to_char(created_at at time zone cast(:zone as text), 'YYYY-MM-DD')"
_SUMS: Final = text(
    f"""select grouping(gateway, method, day) as level, gateway, method, day, count(*),
      count(*) filter (where {_PAID}), count(*) filter (where {_FAILED}),
      coalesce(sum(amount_minor) filter (where {_PAID}), 0)::bigint,
      coalesce(sum(gst_minor) filter (where {_PAID}), 0)::bigint,
      coalesce(sum(platform_fee_minor) filter (where {_PAID}), 0)::bigint,
      coalesce(sum(credits) filter (where {_PAID}), 0)::bigint
    from (select *, {_DAY} as day from purchase
      where {_STARTED}) p
    group by grouping sets ((), (gateway), (method), (day)) order by 1, 8 desc, 2, 3, 4"""  # noqa: S608 - our own text
)
_FAILURES: Final = text(
    f"""select coalesce(failure_reason, ''), count(*) from purchase where {_STARTED} and {_FAILED}
    group by 1 order by 2 desc, 1 limit {MAX_FAILURE_REASONS}"""  # noqa: S608 - our own text
)
_REFUNDS: Final = text(
    f"""select count(*), coalesce(sum(amount_minor), 0)::bigint from refund
    where {_STARTED} and status <> {RefundStatus.FAILED:d}"""  # noqa: S608 - our own text
)
_DISPUTES: Final = text(
    f"""select count(*), count(*) filter (where status = {DisputeStatus.LOST:d}), coalesce(sum(amount_minor), 0)::bigint
    from dispute where {_STARTED}"""  # noqa: S608 - our own text
)
_RECHARGES: Final = text(
    f"""select coalesce(day, 'TOTAL'), count(*), count(*) filter (where state = {RechargeState.SUCCEEDED:d}),
      count(*) filter (where state = {RechargeState.FAILED:d}),
      coalesce(sum(amount_minor) filter (where state = {RechargeState.SUCCEEDED:d}), 0)::bigint
    from (select *, {_DAY} as day from recharge where {_STARTED} and state <> {RechargeState.SKIPPED:d}) r
    group by grouping sets ((), (day)) order by grouping(day) desc, 1"""  # noqa: S608 - our own text
)
_FRAUD: Final = text(
    f"""select count(*) from fraud_event
    where {_STARTED} and points > 0 and decision <> {FraudDecision.ALLOWED:d}"""  # noqa: S608 - our own text
)
_DEAD_MESSAGES: Final = text(
    f"""select e.gateway, split_part(coalesce(j.last_error, ''), '(', 1), count(*)
    from job j join gateway_event e on e.id = cast(j.payload ->> 'event' as bigint)
    where j.project_id = :project_id and j.state = {JobState.DEAD:d} and j.kind = '{PAYMENT_MESSAGE}'
      and e.received_at >= :start and e.received_at < :end
    group by 1, 2 order by 3 desc, 1, 2 limit {MAX_FAILURE_REASONS}"""  # noqa: S608 - our own text
)
_LAG: Final = text(
    f"""select q.queue, due.jobs, greatest(coalesce(extract(epoch from now() - due.oldest), 0), 0)::float8, dead.jobs
    from unnest(cast(:queues as text[])) with ordinality q (queue, place)
    cross join lateral (select count(*) as jobs, min(j.run_at) as oldest from (select run_at from job
      where queue = q.queue and state = {JobState.READY:d} and run_at <= now() and project_id = :project_id
      order by run_at limit {MAX_COUNTED_JOBS}) j) due
    cross join lateral (select count(*) as jobs from (select 1 from job
      where project_id = :project_id and state = {JobState.DEAD:d} and queue = q.queue limit {MAX_COUNTED_JOBS}) j) dead
    order by q.place"""  # noqa: S608 - our own text
)
_TOTAL, _BY_DAY, _BY_METHOD, _BY_GATEWAY = 0b111, 0b110, 0b101, 0b011
"""The value of grouping(gateway, method, day) for each set: a bit is 1 for what is summed over."""


class PaymentSlices(NamedTuple):
    """Sums of a range of days: all of it, and by provider, method (most revenue first) and day (in order)."""

    total: PaymentSums
    gateways: Sequence[PaymentSums]
    methods: Sequence[PaymentSums]
    days: Sequence[PaymentSums]


async def sums(session: Session, project_id: int, start: datetime, end: datetime, zone: str) -> PaymentSlices:
    """Purchases that were started between two instants; days are those of a time zone."""
    words = {"project_id": project_id, "start": start, "end": end, "zone": zone}
    found: dict[int, list[PaymentSums]] = {_TOTAL: [], _BY_GATEWAY: [], _BY_METHOD: [], _BY_DAY: []}
    for row in await session.execute(_SUMS, words):
        found[row.level].append(PaymentSums(_key(row), *row[4:]))
    days = sorted(found[_BY_DAY], key=lambda slice_: slice_.key)
    return PaymentSlices(found[_TOTAL][0], found[_BY_GATEWAY], found[_BY_METHOD], days)


async def failures(session: Session, project_id: int, start: datetime, end: datetime) -> list[FailureReason]:
    """Why purchases of that time failed, the commonest first."""
    rows = await session.execute(_FAILURES, {"project_id": project_id, "start": start, "end": end})
    return [FailureReason(*row) for row in rows]


async def refunded(session: Session, project_id: int, start: datetime, end: datetime) -> tuple[int, int]:
    """How many refunds began that did not fail, and their amounts."""
    row = (await session.execute(_REFUNDS, {"project_id": project_id, "start": start, "end": end})).one()
    return row[0], row[1]


async def disputed(session: Session, project_id: int, start: datetime, end: datetime) -> tuple[int, int, int]:
    """How many disputes began, how many of these are lost, and the amounts in dispute."""
    row = (await session.execute(_DISPUTES, {"project_id": project_id, "start": start, "end": end})).one()
    return row[0], row[1], row[2]


async def recharged(
    session: Session, project_id: int, start: datetime, end: datetime, zone: str
) -> tuple[RechargeSums, list[RechargeSums]]:
    """Automatic recharges that began between two instants, all of them and by day of a time zone."""
    words = {"project_id": project_id, "start": start, "end": end, "zone": zone}
    total, *days = [RechargeSums(*row) for row in await session.execute(_RECHARGES, words)]
    return total, days


async def blocked(session: Session, project_id: int, start: datetime, end: datetime) -> int:
    """How many purchases between two instants were stopped as doubtful, whatever a reviewer said later."""
    words = {"project_id": project_id, "start": start, "end": end}
    return int((await session.execute(_FRAUD, words)).scalar_one())


async def dead_messages(session: Session, project_id: int, start: datetime, end: datetime) -> list[WebhookFailure]:
    """Messages of that time that failed for good and were not replayed since, the commonest fault first."""
    rows = await session.execute(_DEAD_MESSAGES, {"project_id": project_id, "start": start, "end": end})
    return [WebhookFailure(*row) for row in rows]


async def lag(session: Session, project_id: int) -> list[QueueLag]:
    """What waits in each queue for the project."""
    rows = await session.execute(_LAG, {"project_id": project_id, "queues": [str(queue) for queue in Queue]})
    return [QueueLag(*row) for row in rows]


def _key(row: Any) -> str:  # noqa: ANN401 - a row
    method = PaymentMethod(row.method).name if row.method else None
    return row.gateway or method or row.day or "TOTAL"
