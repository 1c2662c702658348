"""Wallets."""

from functools import partial
from typing import Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.enums import OwnerType
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import wallets as types
from services import wallets as service
from services.requests import WalletSettings


async def wallet(info: Info, id: strawberry.ID) -> Any:  # noqa: ANN401 - the contract's name; a row
    """A wallet, or null when the project has none with this id."""
    return await service.get_wallet(info.context.coffer, info.context.actor, parse_id("wal", id))


async def wallets(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    owner_type: OwnerType | None = strawberry.UNSET,
    owner_id: str | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """The project's wallets, newest first, of one owner if you name it."""
    words = (info.context.coffer, info.context.actor, given(owner_type), given(owner_id))
    return await connection(first, after, partial(service.list_wallets, *words))


@refusable(types.CreateWalletPayload)
async def create_wallet(info: Info, input: types.CreateWalletInput) -> types.CreateWalletPayload:
    """Open an owner's wallet, or get the one that is there."""
    threshold = given(input.low_balance_threshold)
    owner = (input.owner_type, input.owner_id)
    row: Any = await service.create_wallet(info.context.coffer, info.context.actor, *owner, threshold)
    return types.CreateWalletPayload(wallet=row, errors=[])


@refusable(types.UpdateWalletPayload)
async def update_wallet(info: Info, input: types.UpdateWalletInput) -> types.UpdateWalletPayload:
    """Change a wallet's settings."""
    settings = WalletSettings(
        low_balance_threshold=given(input.low_balance_threshold),
        burn_limit=given(input.burn_limit_credits),
        change_burn_limit=input.burn_limit_credits is not strawberry.UNSET,
    )
    context = info.context
    row: Any = await service.update_wallet(context.coffer, context.actor, parse_id("wal", input.wallet_id), settings)
    return types.UpdateWalletPayload(wallet=row, errors=[])
