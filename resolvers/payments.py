"""Payment figures."""

from typing import Any

import strawberry

from resolvers.acts import given
from schema.context import Info
from schema.types.analytics import UsageDays
from services import payments as service


async def payment_report(info: Info, days: UsageDays | None = strawberry.UNSET) -> Any:  # noqa: ANN401 - a report
    """How payments went: success, failures by reason, revenue, refunds (owner, admin)."""
    range_ = given(days) or UsageDays()
    words = (given(range_.from_), given(range_.to), given(range_.time_zone))
    return await service.payment_report(info.context.coffer, info.context.actor, *words)


async def queue_lag(info: Info) -> Any:  # noqa: ANN401 - queues
    """What waits in each queue of background work for the project (owner, admin)."""
    return await service.queue_lag(info.context.coffer, info.context.actor)
