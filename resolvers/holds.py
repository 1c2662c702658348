"""Holds and payouts."""

from functools import partial
from typing import Any

import strawberry

from domain.holds import HoldKind
from resolvers.acts import given, refusable
from schema.context import Info
from schema.enums import Overflow
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.scalars import BigInt, Credits
from schema.types import holds as types
from services import holds as service
from services.requests import CaptureRequest, HoldRequest


@refusable(types.HoldPayload)
async def hold(info: Info, input: types.HoldInput) -> types.HoldPayload:
    """Set credits aside until they are captured, released or expire."""
    return await _hold(info, input, {"credits": input.credits})


@refusable(types.HoldPayload)
async def hold_feature(info: Info, input: types.HoldFeatureInput) -> types.HoldPayload:
    """Set aside what so many units of a feature cost now; capture them one by one, the rest goes back."""
    return await _hold(info, input, {"feature": input.feature, "units": input.quantity})


async def _hold(info: Info, input: types.HoldInput | types.HoldFeatureInput, amount: Any) -> types.HoldPayload:  # noqa: ANN401
    request = HoldRequest(
        wallet=parse_id("wal", input.wallet_id),
        idempotency_key=input.idempotency_key,
        seconds=3600 if input.expires_in_seconds is None else input.expires_in_seconds,
        metadata=given(input.metadata),
        **amount,
    )
    result: Any = await service.hold(info.context.coffer, info.context.actor, request)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])


@refusable(types.HoldPayload)
async def capture_hold(
    info: Info,
    hold_id: strawberry.ID,
    idempotency_key: str,
    credits: Credits | None = strawberry.UNSET,
    overflow: Overflow | None = Overflow.REJECT,
    final: bool | None = True,  # noqa: FBT001, FBT002 - a GraphQL argument
) -> types.HoldPayload:
    """Spend from a hold: all that is left, or `credits`; the rest goes back at once, or with `final: false` stays.

    More than is left is refused, or with `overflow: CAP` takes what is left.
    """
    terms = {"overflow": overflow or Overflow.REJECT, "final": final is not False}
    request = CaptureRequest(parse_id("hold", hold_id), idempotency_key, given(credits), **terms)
    return await _captured(info, request)


@refusable(types.HoldPayload)
async def capture_units(
    info: Info,
    hold_id: strawberry.ID,
    quantity: BigInt,
    idempotency_key: str,
    final: bool | None = False,  # noqa: FBT001, FBT002 - a GraphQL argument
) -> types.HoldPayload:
    """Spend units of a hold that names a feature, at the hold's price; the rest stays, or with `final` goes back."""
    request = CaptureRequest(parse_id("hold", hold_id), idempotency_key, units=quantity, final=bool(final))
    return await _captured(info, request)


async def _captured(info: Info, request: CaptureRequest) -> types.HoldPayload:
    result: Any = await service.capture_hold(info.context.coffer, info.context.actor, request)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])


@refusable(types.HoldPayload)
async def release_hold(info: Info, hold_id: strawberry.ID, idempotency_key: str) -> types.HoldPayload:
    """Give back all that a hold has set aside."""
    hold_uuid = parse_id("hold", hold_id)
    result: Any = await service.release_hold(info.context.coffer, info.context.actor, hold_uuid, idempotency_key)
    return types.HoldPayload(hold=result.hold, wallet=result.wallet, errors=[])


@refusable(types.PayoutPayload)
async def hold_payout(info: Info, input: types.PayoutInput) -> types.PayoutPayload:
    """Lock credits for a payout until it is completed or released (owner, admin)."""
    words = (parse_id("wal", input.wallet_id), input.credits, input.reason, input.idempotency_key)
    result: Any = await service.hold_payout(info.context.coffer, info.context.actor, *words)
    return types.PayoutPayload(payout=result.hold, wallet=result.wallet, errors=[])


@refusable(types.PayoutPayload)
async def release_payout(info: Info, payout_id: strawberry.ID, idempotency_key: str) -> types.PayoutPayload:
    """Give the credits of a payout that will not happen back to the wallet (owner, admin)."""
    return await _close_payout(service.release_payout, info, payout_id, idempotency_key)


@refusable(types.PayoutPayload)
async def complete_payout(info: Info, payout_id: strawberry.ID, idempotency_key: str) -> types.PayoutPayload:
    """Take the credits of a payout that was paid out of the wallet for good (owner, admin)."""
    return await _close_payout(service.complete_payout, info, payout_id, idempotency_key)


async def _close_payout(act: Any, info: Info, payout_id: str, key: str) -> types.PayoutPayload:  # noqa: ANN401 - an act
    result: Any = await act(info.context.coffer, info.context.actor, parse_id("pay", payout_id), key)
    return types.PayoutPayload(payout=result.hold, wallet=result.wallet, errors=[])


async def holds(info: Info, wallet_id: strawberry.ID, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """A wallet's holds, newest first."""
    return await _page(info, wallet_id, first, after, HoldKind.SPEND)


async def payouts(info: Info, wallet_id: strawberry.ID, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """A wallet's payouts, newest first."""
    return await _page(info, wallet_id, first, after, HoldKind.PAYOUT)


async def _page(info: Info, wallet_id: str, first: int | None, after: str | None, kind: HoldKind) -> Any:  # noqa: ANN401
    words = (info.context.coffer, info.context.actor, parse_id("wal", wallet_id), kind)
    return await connection(first, after, partial(service.list_holds, *words))
