"""Saved payment methods and auto-recharge."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import strawberry

from domain.recharges import DEFAULT_COOL_OFF_SECONDS, Terms
from resolvers.acts import given, refusable
from resolvers.live import allowed
from schema.context import Info
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import recharges as types
from services import mandates
from services import recharge_settings as service
from services import saved_methods as methods
from services.requests import NewMandate, RechargeRequest


async def saved_methods(
    info: Info, wallet_id: strawberry.ID, first: First = 50, after: After = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """A wallet's saved payment methods, newest first."""
    words = (info.context.coffer, info.context.actor, parse_id("wal", wallet_id))
    return await connection(first, after, partial(methods.list_methods, *words))


async def auto_recharge(info: Info, wallet_id: strawberry.ID) -> Any:  # noqa: ANN401 - a view
    """How a wallet buys credits by itself; null when that was never turned on."""
    return await service.get(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))


@refusable(types.AutoRechargePayload)
async def enable_auto_recharge(info: Info, input: types.EnableAutoRechargeInput) -> types.AutoRechargePayload:
    """Let a wallet buy credits by itself, or change how; a wallet that is low already buys at once."""
    seconds = given(input.cool_off_seconds)
    terms = Terms(
        given(input.amount_minor),
        given(input.target_credits),
        input.monthly_limit_minor,
        DEFAULT_COOL_OFF_SECONDS if seconds is None else seconds,
    )
    ids = (parse_id("wal", input.wallet_id), parse_id("pm", input.saved_method_id))
    request = RechargeRequest(*ids, given(input.threshold_credits), terms)
    view: Any = await service.enable(info.context.coffer, info.context.actor, request)
    return types.AutoRechargePayload(auto_recharge=view, errors=[])


@refusable(types.AutoRechargePayload)
async def disable_auto_recharge(info: Info, wallet_id: strawberry.ID) -> types.AutoRechargePayload:
    """Stop a wallet from buying by itself; an attempt under way comes to its end."""
    view: Any = await service.disable(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))
    return types.AutoRechargePayload(auto_recharge=view, errors=[])


@refusable(types.SavedMethodPayload)
async def create_mandate(info: Info, input: types.CreateMandateInput) -> types.SavedMethodPayload:
    """Ask a customer for an Indian mandate, which is approved on the page in `approvalUrl`, then charged on demand."""
    request = NewMandate(
        wallet=parse_id("wal", input.wallet_id),
        limit_minor=input.limit_minor,
        email=input.email,
        phone=input.phone,
        idempotency_key=input.idempotency_key,
        gateway=given(input.gateway),
    )
    row: Any = await mandates.create_mandate(info.context.coffer, info.context.actor, request)
    return types.SavedMethodPayload(saved_method=row, errors=[])


@refusable(types.SavedMethodPayload)
async def remove_saved_method(info: Info, id: strawberry.ID) -> types.SavedMethodPayload:
    """Forget a saved payment method, here and at its provider."""
    row: Any = await methods.remove_method(info.context.coffer, info.context.actor, parse_id("pm", id))
    return types.SavedMethodPayload(saved_method=row, errors=[])


def auto_recharge_updated(info: Info, wallet_id: strawberry.ID) -> AsyncGenerator[types.AutoRecharge, None]:
    """A wallet's auto-recharge now, if it was ever turned on, and after each event of it."""
    return allowed(info, service.watch(info.context.coffer, info.context.actor, parse_id("wal", wallet_id)))
