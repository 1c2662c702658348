"""Projects that measure usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from domain.analytics import GroupBy
from domain.metrics import MetricDefinition
from domain.pricing import UsageCategory
from services.metrics import define_metric
from services.requests import UsageRequest
from services.usage import UsageQuestion, usage_report
from tests.builders import wallet_with

if TYPE_CHECKING:
    from uuid import UUID

    from domain.permissions import Actor
    from services.coffer import Coffer

TOKENS = MetricDefinition("TOKENS", "Tokens", "tokens", UsageCategory.AI, feature="AI_SUMMARY")
VISITS = MetricDefinition("VISITS", "Visits", "visits", UsageCategory.API)


def usage_of(wallet: UUID | None, metric: str = "VISITS", units: int = 1, **more: Any) -> UsageRequest:  # noqa: ANN401
    """An event with a new key."""
    return UsageRequest(wallet, metric, units, more.pop("key", None) or uuid4().hex, **more)


async def measured(coffer: Coffer, actor: Actor, credits: int = 1_000) -> UUID:
    """A wallet of a project with two metrics, one of them with a price of 15 credits a unit."""
    for metric in (TOKENS, VISITS):
        await define_metric(coffer, actor, metric)
    return (await wallet_with(coffer, actor, credits)).uuid


async def by_metric(coffer: Coffer, actor: Actor, wallet: UUID, **more: Any) -> dict[str, tuple[int, int, int]]:  # noqa: ANN401
    """Credits, events and units of each metric."""
    asked = UsageQuestion([wallet], (GroupBy.METRIC,), **more)
    report = await usage_report(coffer, actor, asked)
    return {row.keys[0]: (row.credits, row.events, row.units) for row in report.slices}
