"""Metrics, and recording usage under them."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.errors import DomainError
from domain.metrics import LATE_DAYS, Aggregation, MetricDefinition
from resolvers.acts import given, refusable
from schema.context import Info
from schema.errors import user_error
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import recording as types
from services import metrics
from services import recording as service
from services.requests import UsageRequest

Archived = Annotated[bool | None, strawberry.argument(description="Whether to list archived ones as well.")]
MetricKey = Annotated[str | None, strawberry.argument(description="Only of this metric.")]
Key = Annotated[str, strawberry.argument(description="The metric's key.")]


async def list_metrics(info: Info, archived: Archived = False) -> Any:  # noqa: ANN401, FBT002 - an argument; rows
    """The project's metrics by key, 200 at most."""
    return await metrics.list_metrics(info.context.coffer, info.context.actor, archived=bool(archived))


@refusable(types.MetricPayload)
async def define_metric(info: Info, input: types.DefineMetricInput) -> types.MetricPayload:
    """Define something to measure, or change its name, feature and lateness (owner, admin)."""
    definition = MetricDefinition(
        input.key,
        input.name,
        input.unit,
        input.category,
        input.aggregation or Aggregation.SUM,
        given(input.feature),
        LATE_DAYS if input.late_days is None else input.late_days,
    )
    metric: Any = await metrics.define_metric(info.context.coffer, info.context.actor, definition)
    return types.MetricPayload(metric=metric, errors=[])


@refusable(types.MetricPayload)
async def archive_metric(info: Info, key: Key) -> types.MetricPayload:
    """Take no more events of a metric, until it is defined again; reports keep what was recorded (owner, admin)."""
    metric: Any = await metrics.archive_metric(info.context.coffer, info.context.actor, key)
    return types.MetricPayload(metric=metric, errors=[])


async def usage_events(
    info: Info,
    wallet_id: strawberry.ID,
    metric_key: MetricKey = strawberry.UNSET,
    first: First = 50,
    after: After = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - rows
    """What was recorded for a wallet, the last recorded first."""
    words = (info.context.coffer, info.context.actor, parse_id("wal", wallet_id), given(metric_key))
    return await connection(first, after, partial(service.list_events, *words))


@refusable(types.RecordUsagePayload)
async def record_usage(info: Info, input: types.RecordUsageInput) -> types.RecordUsagePayload:
    """Book units of a metric on the time when they were used; no credits move."""
    return _recorded(await service.record_usage(info.context.coffer, info.context.actor, _request(input)))


async def record_usage_batch(info: Info, inputs: list[types.RecordUsageInput]) -> types.RecordUsageBatchPayload:
    """Record up to 1,000 events, each on its own, in one commit."""
    requests = [_request(item) for item in inputs]
    results = await service.record_batch(info.context.coffer, info.context.actor, requests)
    return types.RecordUsageBatchPayload(results=[_recorded(result) for result in results])


@refusable(types.ChargeUsagePayload)
async def charge_usage(info: Info, input: types.ChargeUsageInput) -> types.ChargeUsagePayload:
    """Record units of a metric and spend the price of its feature for each of them, both or neither."""
    return _charged(await service.charge_usage(info.context.coffer, info.context.actor, _charge(input)))


async def charge_usage_batch(info: Info, inputs: list[types.ChargeUsageInput]) -> types.ChargeUsageBatchPayload:
    """Charge up to 1,000 events, each on its own, in their order, in one commit."""
    requests = [_charge(item) for item in inputs]
    results = await service.charge_batch(info.context.coffer, info.context.actor, requests)
    return types.ChargeUsageBatchPayload(results=[_charged(result) for result in results])


def _request(event: types.RecordUsageInput | types.ChargeUsageInput, expected: int | None = None) -> UsageRequest:
    return UsageRequest(
        wallet=parse_id("wal", event.wallet_id),
        metric=event.metric_key,
        units=event.units,
        idempotency_key=event.idempotency_key,
        member=given(event.member),
        occurred_at=given(event.occurred_at),
        metadata=given(event.metadata),
        expected_credits=expected,
    )


def _charge(event: types.ChargeUsageInput) -> UsageRequest:
    return _request(event, given(event.expected_credits))


def _recorded(result: service.Recorded | DomainError) -> types.RecordUsagePayload:
    if isinstance(result, DomainError):
        return types.RecordUsagePayload(errors=[user_error(result)])
    event: Any = result.event
    return types.RecordUsagePayload(event=event, replayed=result.replayed, errors=[])


def _charged(result: service.Recorded | DomainError) -> types.ChargeUsagePayload:
    if isinstance(result, DomainError):
        return types.ChargeUsagePayload(errors=[user_error(result)])
    event: Any = result.event
    return types.ChargeUsagePayload(
        event=event, transaction=result.transaction, wallet=result.wallet, replayed=result.replayed, errors=[]
    )
