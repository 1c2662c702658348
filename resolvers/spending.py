"""Spending, granting, holding."""

from typing import Any

import strawberry

from domain.errors import DomainError
from resolvers.acts import given, refusable
from schema.context import Info
from schema.errors import user_error
from schema.ids import parse_id
from schema.scalars import BigInt, Credits
from schema.types import spending as types
from services import grants, holds
from services import spending as service
from services.requests import ConsumeRequest

ONE = BigInt(1)


def _request(spend: types.ConsumeInput) -> ConsumeRequest:
    return ConsumeRequest(
        wallet=parse_id("wal", spend.wallet_id),
        feature=spend.feature,
        units=1 if spend.quantity is None else spend.quantity,
        idempotency_key=spend.idempotency_key,
        expected_credits=given(spend.expected_credits),
        member=given(spend.member),
        metadata=given(spend.metadata),
    )


def _payload(result: service.Spend | DomainError) -> types.ConsumePayload:
    if isinstance(result, DomainError):
        return types.ConsumePayload(errors=[user_error(result)])
    return types.ConsumePayload(
        transaction=result.transaction, wallet=result.wallet, replayed=result.replayed, errors=[]
    )


@refusable(types.ConsumePayload)
async def consume(info: Info, input: types.ConsumeInput) -> types.ConsumePayload:
    """Spend a feature's price; in front of every billable action of your product."""
    return _payload(await service.consume(info.context.coffer, info.context.actor, _request(input)))


async def consume_batch(info: Info, inputs: list[types.ConsumeInput]) -> types.ConsumeBatchPayload:
    """Spend up to 1,000 times, each on its own."""
    requests = [_request(item) for item in inputs]
    results = await service.consume_batch(info.context.coffer, info.context.actor, requests)
    return types.ConsumeBatchPayload(results=[_payload(result) for result in results])


async def estimate(
    info: Info,
    wallet_id: strawberry.ID,
    feature: str,
    quantity: BigInt | None = ONE,
) -> Any:  # noqa: ANN401 - an estimate
    """What a spend would cost and whether it would be accepted, by the code of the spend itself."""
    units = 1 if quantity is None else quantity
    context = info.context
    return await service.estimate(context.coffer, context.actor, parse_id("wal", wallet_id), feature, units)


@refusable(types.GrantPayload)
async def grant_credits(info: Info, input: types.GrantInput) -> types.GrantPayload:
    """Give bonus credits (owner, admin)."""
    return await _move(grants.grant_credits, info, input)


@refusable(types.GrantPayload)
async def adjust_credits(info: Info, input: types.AdjustInput) -> types.GrantPayload:
    """Correct a balance by hand (owner, admin)."""
    return await _move(grants.adjust_credits, info, input)


async def _move(act: Any, info: Info, move: types.GrantInput | types.AdjustInput) -> types.GrantPayload:  # noqa: ANN401
    words = (parse_id("wal", move.wallet_id), move.credits, move.reason, move.idempotency_key)
    result = await act(info.context.coffer, info.context.actor, *words)
    return types.GrantPayload(transaction=result.transaction, wallet=result.wallet, replayed=result.replayed, errors=[])


@refusable(types.HoldPayload)
async def hold(info: Info, input: types.HoldInput) -> types.HoldPayload:
    """Set credits aside until they are captured, released or expire."""
    seconds = 3600 if input.expires_in_seconds is None else input.expires_in_seconds
    amount = (input.credits, seconds)
    words = (parse_id("wal", input.wallet_id), amount, input.idempotency_key, given(input.metadata))
    result: Any = await holds.hold(info.context.coffer, info.context.actor, *words)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])


@refusable(types.HoldPayload)
async def capture_hold(
    info: Info,
    hold_id: strawberry.ID,
    idempotency_key: str,
    credits: Credits | None = strawberry.UNSET,
    final: bool | None = True,  # noqa: FBT001, FBT002 - a GraphQL argument
) -> types.HoldPayload:
    """Spend from a hold: all that is left, or `credits`; unless `final` is false the rest goes back at once."""
    words = (parse_id("hold", hold_id), given(credits), idempotency_key)
    result: Any = await holds.capture_hold(info.context.coffer, info.context.actor, *words, final=final is not False)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])


@refusable(types.HoldPayload)
async def release_hold(info: Info, hold_id: strawberry.ID, idempotency_key: str) -> types.HoldPayload:
    """Give back all that a hold has set aside."""
    hold_uuid = parse_id("hold", hold_id)
    result: Any = await holds.release_hold(info.context.coffer, info.context.actor, hold_uuid, idempotency_key)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])
