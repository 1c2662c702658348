"""Metrics of a project: define, archive, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import metrics as queries
from db import pricing
from domain.errors import InvalidState, NotFound, UnknownFeature
from domain.inputs import check_text
from domain.metrics import MAX_METRICS, MetricDefinition, validate_metric
from domain.permissions import Actor, Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.models.metrics import Metric
    from services.coffer import Coffer


async def list_metrics(coffer: Coffer, actor: Actor, *, archived: bool) -> Sequence[Metric]:
    """The project's metrics by key, with the archived ones or without."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.of_project(session, actor.project_id, archived=archived)


async def define_metric(coffer: Coffer, actor: Actor, metric: MetricDefinition) -> Metric:
    """Add a metric, or change the name, feature and lateness of the one of that key, archived or not.

    InvalidInput, UnknownFeature, InvalidState when what it measures would change or there are too many.
    """
    actor.require(Permission.PUBLISH_PRICES)
    validate_metric(metric)
    async with coffer.database.transaction() as session:
        if metric.feature is not None:
            prices = await pricing.current(session, actor.project_id)
            if metric.feature not in {price.feature for price in prices}:
                raise UnknownFeature(metric.feature)
        known = await queries.find(session, actor.project_id, metric.key)
        if known is None and await queries.count(session, actor.project_id) >= MAX_METRICS:
            raise InvalidState(f"A project has at most {MAX_METRICS} metrics: change one that is there.")
        defined = await queries.define(session, actor.project_id, metric)
    if defined is None:
        raise InvalidState(
            "Unit, category and aggregation stay what they were, as events were recorded by them: use another key.",
            field=["key"],
        )
    return defined


async def archive_metric(coffer: Coffer, actor: Actor, key: str) -> Metric:
    """Take no more events of a metric; reports keep what was recorded. NotFound, InvalidInput."""
    actor.require(Permission.PUBLISH_PRICES)
    check_text(key, "key")
    async with coffer.database.transaction() as session:
        metric = await queries.find(session, actor.project_id, key)
        if metric is None:
            raise NotFound("No such metric in this project: see `metrics`.", field=["key"])
        await queries.archive(session, metric, coffer.clock())
        return metric
