"""What a project measures: defined, changed within limits, archived."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidInput, InvalidState, NotFound, UnknownFeature
from domain.metrics import Aggregation, MetricDefinition
from domain.pricing import UsageCategory
from services import metrics as metrics_module
from services.metrics import archive_metric, define_metric, list_metrics
from services.recording import charge_usage, record_usage
from tests.builders import wallet_with
from tests.metered import TOKENS, VISITS, by_metric, measured, usage_of

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


async def test_a_metric_keeps_what_it_measures(coffer: Coffer, actor: Actor) -> None:
    """Name, feature and lateness may change; unit, category and aggregation may not."""
    await define_metric(coffer, actor, TOKENS)
    changed = MetricDefinition("TOKENS", "Words", "tokens", UsageCategory.AI, late_days=3)
    metric = await define_metric(coffer, actor, changed)
    assert (metric.name, metric.feature, metric.late_days) == ("Words", None, 3)
    for other in (("words", UsageCategory.AI, Aggregation.SUM), ("tokens", UsageCategory.API, Aggregation.SUM)):
        with pytest.raises(InvalidState):
            await define_metric(coffer, actor, MetricDefinition("TOKENS", "Tokens", *other))
    with pytest.raises(InvalidState):
        await charge_usage(coffer, actor, usage_of((await wallet_with(coffer, actor, 9)).uuid, "TOKENS"))


async def test_an_archived_metric_takes_nothing_new(coffer: Coffer, actor: Actor) -> None:
    """It is not listed and refuses events, keeps what it has, answers replays, and is opened by defining it again."""
    wallet = await measured(coffer, actor)
    request = usage_of(wallet)
    await record_usage(coffer, actor, request)
    await archive_metric(coffer, actor, "VISITS")
    with pytest.raises(InvalidState):
        await record_usage(coffer, actor, usage_of(wallet))
    assert (await record_usage(coffer, actor, request)).replayed
    assert [m.key for m in await list_metrics(coffer, actor, archived=False)] == ["TOKENS"]
    assert [m.key for m in await list_metrics(coffer, actor, archived=True)] == ["TOKENS", "VISITS"]
    await define_metric(coffer, actor, VISITS)
    await record_usage(coffer, actor, usage_of(wallet))
    assert (await by_metric(coffer, actor, wallet))["VISITS"][1] == 2


async def test_a_metric_charges_a_feature_that_has_a_price(coffer: Coffer, actor: Actor) -> None:
    """A feature that is not in the matrix is refused when the metric is defined, not when it is charged."""
    with pytest.raises(UnknownFeature):
        await define_metric(coffer, actor, replace(TOKENS, feature="NO_SUCH"))


async def test_a_project_has_so_many_metrics(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a new key is refused, and one that is there may still change."""
    monkeypatch.setattr(metrics_module, "MAX_METRICS", 1)
    await define_metric(coffer, actor, VISITS)
    await define_metric(coffer, actor, VISITS)
    with pytest.raises(InvalidState):
        await define_metric(coffer, actor, TOKENS)


async def test_an_unknown_metric_can_not_be_archived(coffer: Coffer, actor: Actor) -> None:
    """A key that the project has not is NOT_FOUND."""
    with pytest.raises(NotFound):
        await archive_metric(coffer, actor, "NOTHING")


async def test_a_key_that_no_metric_can_have_is_refused(coffer: Coffer, actor: Actor) -> None:
    """A key with a character that the database can't hold is INVALID_INPUT."""
    with pytest.raises(InvalidInput):
        await archive_metric(coffer, actor, "\x00")
