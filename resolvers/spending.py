"""Spending, granting, holding."""

from typing import Any

import strawberry

from domain.errors import DomainError
from domain.lots import DEFAULT_PRIORITY
from resolvers.acts import given, refusable
from schema.context import Info
from schema.enums import LotSource
from schema.errors import user_error
from schema.ids import parse_id
from schema.scalars import BigInt
from schema.types import spending as types
from services import grants, quotes
from services import spending as service
from services.requests import ConsumeRequest, GrantRequest

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


async def consume_batch(
    info: Info,
    inputs: list[types.ConsumeInput],
    atomic: bool | None = False,  # noqa: FBT001, FBT002 - a GraphQL argument
) -> types.ConsumeBatchPayload:
    """Spend up to 1,000 times, each on its own; with `atomic`, all or none."""
    requests = [_request(item) for item in inputs]
    act = service.consume_together if atomic else service.consume_batch
    results = await act(info.context.coffer, info.context.actor, requests)
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
    return await quotes.estimate(context.coffer, context.actor, parse_id("wal", wallet_id), feature, units)


@refusable(types.GrantPayload)
async def grant_credits(info: Info, input: types.GrantInput) -> types.GrantPayload:
    """Give credits as a lot of their own (owner, admin)."""
    request = GrantRequest(
        wallet=parse_id("wal", input.wallet_id),
        credits=input.credits,
        reason=input.reason,
        idempotency_key=input.idempotency_key,
        source=input.source or LotSource.BONUS,
        priority=DEFAULT_PRIORITY if input.priority is None else input.priority,
        effective_at=given(input.effective_at),
        expires_at=given(input.expires_at),
    )
    return _granted(await grants.grant_credits(info.context.coffer, info.context.actor, request))


@refusable(types.GrantPayload)
async def adjust_credits(info: Info, input: types.AdjustInput) -> types.GrantPayload:
    """Correct a balance by hand (owner, admin)."""
    words = (parse_id("wal", input.wallet_id), input.credits, input.reason, input.idempotency_key)
    return _granted(await grants.adjust_credits(info.context.coffer, info.context.actor, *words))


def _granted(result: Any) -> types.GrantPayload:  # noqa: ANN401 - rows
    return types.GrantPayload(transaction=result.transaction, wallet=result.wallet, replayed=result.replayed, errors=[])
