"""Lots, balances explained, movements between wallets, freezing."""

from datetime import datetime
from functools import partial
from typing import Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.ids import parse_id, parse_transaction
from schema.pagination import After, First, connection
from schema.types import ledger as types
from services import gifts, moves, proof
from services.requests import GiftRequest


async def lots(info: Info, wallet_id: strawberry.ID, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """A wallet's lots, newest first, and what is left of each."""
    words = (info.context.coffer, info.context.actor, parse_id("wal", wallet_id))
    return await connection(first, after, partial(proof.list_lots, *words))


async def allocations(info: Info, transaction_id: strawberry.ID) -> Any:  # noqa: ANN401 - rows
    """The lots that paid for a transaction, or that got credits back by it, in the order in which they were used."""
    wallet, number = parse_transaction(transaction_id) or (None, 0)
    return await proof.allocations(info.context.coffer, info.context.actor, wallet, number)


async def explain_balance(
    info: Info, wallet_id: strawberry.ID, at: datetime | None = strawberry.UNSET
) -> types.BalanceExplanation:
    """The available credits at any time, now if you name none, and what makes them up."""
    wallet = parse_id("wal", wallet_id)
    found: Any = await proof.explain_balance(info.context.coffer, info.context.actor, wallet, given(at))
    return found  # type: ignore[no-any-return]


async def trial_balance(info: Info) -> Any:  # noqa: ANN401 - rows
    """Every account of the project's books; their balances add up to 0."""
    return await proof.project_trial_balance(info.context.coffer, info.context.actor)


async def burn_alerts(info: Info, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """The project's episodes of rapid burn, newest first."""
    return await connection(first, after, partial(proof.list_burn_alerts, info.context.coffer, info.context.actor))


@refusable(types.TransferPayload)
async def transfer_credits(info: Info, input: types.TransferInput) -> types.TransferPayload:
    """Move credits to another wallet of the project (owner, admin)."""
    wallets = (parse_id("wal", input.wallet_id), parse_id("wal", input.to_wallet_id))
    words = (wallets, input.credits, input.reason, input.idempotency_key)
    done: Any = await moves.transfer_credits(info.context.coffer, info.context.actor, *words)
    return types.TransferPayload(**done._asdict(), errors=[])


@refusable(types.GiftPayload)
async def send_gift(info: Info, input: types.GiftInput) -> types.GiftPayload:
    """Take credits out of a wallet as a gift that waits to be claimed (owner, admin)."""
    to = given(input.to_wallet_id)
    request = GiftRequest(
        wallet=parse_id("wal", input.wallet_id),
        credits=input.credits,
        idempotency_key=input.idempotency_key,
        to=None if to is None else parse_id("wal", to),
        message=given(input.message),
        seconds=30 * 24 * 3600 if input.expires_in_seconds is None else input.expires_in_seconds,
    )
    return _gift(await gifts.send_gift(info.context.coffer, info.context.actor, request))


@refusable(types.GiftPayload)
async def claim_gift(info: Info, gift_id: strawberry.ID, wallet_id: strawberry.ID) -> types.GiftPayload:
    """Put a gift into a wallet (owner, admin); claiming it again changes nothing."""
    ids = (parse_id("gift", gift_id), parse_id("wal", wallet_id))
    return _gift(await gifts.claim_gift(info.context.coffer, info.context.actor, *ids))


@refusable(types.GiftPayload)
async def revoke_gift(info: Info, gift_id: strawberry.ID) -> types.GiftPayload:
    """Give a gift that nobody claimed back to its giver (owner, admin)."""
    return _gift(await gifts.revoke_gift(info.context.coffer, info.context.actor, parse_id("gift", gift_id)))


def _gift(result: Any) -> types.GiftPayload:  # noqa: ANN401 - rows
    return types.GiftPayload(gift=result.gift, wallet=result.wallet, errors=[])


async def list_gifts(info: Info, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """The project's gifts, newest first."""
    return await connection(first, after, partial(gifts.list_gifts, info.context.coffer, info.context.actor))


@refusable(types.FreezePayload)
async def freeze_wallet(info: Info, wallet_id: strawberry.ID, reason: str) -> types.FreezePayload:
    """Refuse every spend, hold, transfer and payout of a wallet until it is unfrozen (owner, admin)."""
    wallet = parse_id("wal", wallet_id)
    row: Any = await moves.freeze_wallet(info.context.coffer, info.context.actor, wallet, reason)
    return types.FreezePayload(wallet=row, errors=[])


@refusable(types.FreezePayload)
async def unfreeze_wallet(info: Info, wallet_id: strawberry.ID) -> types.FreezePayload:
    """Allow them again (owner, admin)."""
    row: Any = await moves.unfreeze_wallet(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))
    return types.FreezePayload(wallet=row, errors=[])
