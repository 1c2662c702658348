"""Caps and quotes."""

from typing import Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.ids import parse_id, public_id
from schema.scalars import BigInt
from schema.types import caps as types
from services import caps as service
from services import quotes
from services.requests import CapRequest

ONE = BigInt(1)


async def caps(info: Info, wallet_id: strawberry.ID) -> Any:  # noqa: ANN401 - rows
    """A wallet's caps (50 at most), and what counts against each now."""
    return await service.list_caps(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))


@refusable(types.SetCapPayload)
async def set_cap(info: Info, input: types.SetCapInput) -> types.SetCapPayload:
    """Add a cap to a wallet (owner, admin)."""
    api_key = given(input.api_key_id)
    request = CapRequest(
        wallet=parse_id("wal", input.wallet_id),
        limit=input.limit,
        period=input.period,
        measure=input.measure,
        name=input.name,
        window_seconds=given(input.window_seconds),
        member=given(input.member),
        api_key=None if api_key is None else parse_id("key", api_key),
        feature=given(input.feature),
        category=given(input.category),
    )
    state: Any = await service.set_cap(info.context.coffer, info.context.actor, request)
    return types.SetCapPayload(cap=state, errors=[])


@refusable(types.RemoveCapPayload)
async def remove_cap(info: Info, wallet_id: strawberry.ID, cap_id: strawberry.ID) -> types.RemoveCapPayload:
    """Remove a cap of a wallet and forget what it counted (owner, admin)."""
    ids = (parse_id("wal", wallet_id), parse_id("cap", cap_id))
    removed = await service.remove_cap(info.context.coffer, info.context.actor, *ids)
    return types.RemoveCapPayload(cap_id=strawberry.ID(public_id("cap", removed)), errors=[])


async def quote_spend(
    info: Info,
    wallet_id: strawberry.ID,
    feature: str,
    quantity: BigInt | None = ONE,
    member: str | None = strawberry.UNSET,
) -> types.SpendQuote:
    """What a spend would cost, which lots would pay, what would be left and which alerts it would raise."""
    words = (parse_id("wal", wallet_id), feature, 1 if quantity is None else quantity, given(member))
    quote: Any = await quotes.quote_spend(info.context.coffer, info.context.actor, *words)
    return quote  # type: ignore[no-any-return]
