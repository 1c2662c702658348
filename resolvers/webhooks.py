"""Providers' messages."""

from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.enums import WebhookState
from schema.ids import parse_row
from schema.pagination import After, First, connection
from schema.types import webhooks as types
from services import webhooks as service

OfGateway = Annotated[str | None, strawberry.argument(description="Only of this payment provider.")]


async def webhook_events(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    gateway: OfGateway = strawberry.UNSET,
    state: WebhookState | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """What payment providers told about the project's purchases, newest first (owner, admin)."""
    words = (info.context.coffer, info.context.actor, given(gateway), given(state))
    return await connection(first, after, partial(service.list_webhook_events, *words))


@refusable(types.ReplayWebhookPayload)
async def replay_webhook(info: Info, id: strawberry.ID) -> types.ReplayWebhookPayload:
    """Act on a dead message again (owner, admin)."""
    row: Any = await service.replay_webhook(info.context.coffer, info.context.actor, parse_row("evt", id))
    return types.ReplayWebhookPayload(webhook_event=row, errors=[])
