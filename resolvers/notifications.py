"""E-mails to owners."""

from typing import Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.ids import parse_id
from schema.types import notifications as types
from services import notifications as service


async def notification_preferences(info: Info, wallet_id: strawberry.ID) -> Any:  # noqa: ANN401 - a row
    """Where the wallet's owner is written to, and about what; null: nowhere."""
    return await service.get_preferences(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))


@refusable(types.NotificationPreferencesPayload)
async def set_notification_preferences(
    info: Info, input: types.NotificationPreferencesInput
) -> types.NotificationPreferencesPayload:
    """Say where the wallet's owner is written to, and about what."""
    words = (parse_id("wal", input.wallet_id), given(input.email), given(input.kinds))
    row: Any = await service.set_preferences(info.context.coffer, info.context.actor, *words)
    return types.NotificationPreferencesPayload(preferences=row, errors=[])
