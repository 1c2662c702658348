"""Credits bought at every interval."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.acts import given, refusable
from resolvers.live import allowed
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.enums import SubscriptionStatus
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import subscriptions as types
from services import subscriptions as service
from services.requests import PurchaseRequest

InStatus = Annotated[SubscriptionStatus | None, strawberry.argument(description="Only those that stand there.")]


async def subscription(info: Info, id: strawberry.ID) -> Any:  # noqa: ANN401 - the contract's name; a row
    """A subscription, or null when the project has none with this id."""
    return await service.get_subscription(info.context.coffer, info.context.actor, parse_id("sub", id))


async def subscriptions(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    wallet_id: strawberry.ID | None = strawberry.UNSET,
    status: InStatus = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Subscriptions of the project or of one wallet, newest first."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id), given(status))
    return await connection(first, after, partial(service.list_subscriptions, *words))


@refusable(types.SubscriptionPayload)
async def start_subscription(info: Info, input: types.StartSubscriptionInput) -> types.SubscriptionPayload:
    """Begin to buy credits at every interval: the buyer pays at the first purchase's checkoutUrl, then it renews."""
    request = PurchaseRequest(
        wallet=parse_id("wal", input.wallet_id),
        pack_code=given(input.pack_code),
        amount_minor=given(input.amount_minor),
        method=input.method,
        idempotency_key=input.idempotency_key,
        gateway=given(input.gateway),
        client=info.context.read_client(),
        interval=input.interval,
    )
    made: Any = await service.start_subscription(info.context.coffer, info.context.actor, request)
    return types.SubscriptionPayload(subscription=made[0], purchase=made[1], errors=[])


@refusable(types.SubscriptionPayload)
async def cancel_subscription(info: Info, id: strawberry.ID) -> types.SubscriptionPayload:
    """End a subscription: nothing is charged any more, and the credits that were paid stay."""
    row: Any = await service.cancel_subscription(info.context.coffer, info.context.actor, parse_id("sub", id))
    return types.SubscriptionPayload(subscription=row, errors=[])


def credit_subscription_updated(info: Info, id: strawberry.ID) -> AsyncGenerator[types.CreditSubscription, None]:
    """The subscription now, then each change of it."""
    stream: Any = service.watch_subscription(info.context.coffer, info.context.actor, parse_id("sub", id))
    return allowed(info, stream)
