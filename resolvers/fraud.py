"""Purchases that were stopped before the payment."""

from functools import partial
from typing import Any

import strawberry

from resolvers.acts import given, refusable
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.enums import FraudDecision
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import fraud as types
from services import fraud as service


async def fraud_events(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    decision: FraudDecision | None = strawberry.UNSET,
    wallet_id: strawberry.ID | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Doubtful purchases, newest first; `decision: REVIEW` is the queue of those that wait (owner, admin)."""
    words = (info.context.coffer, info.context.actor, given(decision), narrowed("wal", wallet_id))
    return await connection(first, after, partial(service.list_events, *words))


@refusable(types.FraudEventPayload)
async def approve_fraud(info: Info, id: strawberry.ID, note: str | None = strawberry.UNSET) -> types.FraudEventPayload:
    """Let a purchase that was stopped go on: its request, sent again with its key, is not stopped (owner, admin)."""
    return await _review(info, id, FraudDecision.APPROVED, note)


@refusable(types.FraudEventPayload)
async def reject_fraud(info: Info, id: strawberry.ID, note: str | None = strawberry.UNSET) -> types.FraudEventPayload:
    """Keep a purchase that was stopped from going on (owner, admin)."""
    return await _review(info, id, FraudDecision.REJECTED, note)


async def _review(info: Info, id: strawberry.ID, decision: Any, note: str | None) -> types.FraudEventPayload:  # noqa: ANN401
    words = (parse_id("frd", id), decision, given(note))
    row: Any = await service.review(info.context.coffer, info.context.actor, *words)
    return types.FraudEventPayload(fraud_event=row, errors=[])
