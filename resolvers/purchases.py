"""Buying credits."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.purchases import PACKS
from resolvers.acts import given, refusable
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.scalars import BigInt
from schema.types import purchases as types
from services import purchases as service
from services.gateways import list_gateways
from services.refunds import refund_purchase as refund
from services.requests import PurchaseRequest

OfSubscription = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only those that pay for this subscription.")
]


async def packs(info: Info) -> Any:  # noqa: ANN401 - packs
    """The packs on sale, smallest first."""
    assert info.context.actor  # noqa: S101 - asks for a key
    return PACKS


async def purchase_quote(
    info: Info,
    amount_minor: BigInt | None = strawberry.UNSET,
    pack_code: str | None = strawberry.UNSET,
    gateway: str | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a quote
    """What a pack or a custom amount costs and gives; a merchant of record adds its own tax in place of ours."""
    words = (given(amount_minor), given(pack_code), given(gateway))
    return await service.quote_purchase(info.context.coffer, info.context.actor, *words)


async def gateways(info: Info) -> list[str]:
    """The payment providers that the project may use, the default first."""
    return await list_gateways(info.context.coffer, info.context.actor)


async def purchase(info: Info, id: strawberry.ID) -> Any:  # noqa: ANN401 - the contract's name; a row
    """A purchase, or null when the project has none with this id."""
    return await service.get_purchase(info.context.coffer, info.context.actor, parse_id("pur", id))


async def purchases(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    wallet_id: strawberry.ID | None = strawberry.UNSET,
    subscription_id: OfSubscription = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Purchases of the project or of one wallet, newest first."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    subscription = narrowed("sub", subscription_id)
    return await connection(first, after, partial(service.list_purchases, *words, subscription=subscription))


@refusable(types.PurchasePayload)
async def purchase_credits(info: Info, input: types.PurchaseInput) -> types.PurchasePayload:
    """Start a purchase; follow it with purchaseUpdated."""
    request = PurchaseRequest(
        wallet=parse_id("wal", input.wallet_id),
        pack_code=given(input.pack_code),
        amount_minor=given(input.amount_minor),
        method=input.method,
        idempotency_key=input.idempotency_key,
        gateway=given(input.gateway),
        simulate_failure=bool(input.simulate_failure),
        saves_method=bool(input.save_method),
        client=info.context.read_client(),
    )
    row: Any = await service.purchase_credits(info.context.coffer, info.context.actor, request)
    return types.PurchasePayload(purchase=row, errors=[])


@refusable(types.PurchasePayload)
async def retry_purchase(info: Info, id: strawberry.ID, idempotency_key: str) -> types.PurchasePayload:
    """Try a failed purchase again."""
    uuid = parse_id("pur", id)
    words = (uuid, idempotency_key, info.context.read_client())
    row: Any = await service.retry_purchase(info.context.coffer, info.context.actor, *words)
    return types.PurchasePayload(purchase=row, errors=[])


@refusable(types.PurchasePayload)
async def refund_purchase(
    info: Info,
    id: strawberry.ID,
    idempotency_key: str,
    amount_minor: BigInt | None = strawberry.UNSET,
) -> types.PurchasePayload:
    """Refund a purchase, in part (paise of its amount) or all that is left (owner, admin)."""
    words = (parse_id("pur", id), given(amount_minor), idempotency_key)
    row: Any = await refund(info.context.coffer, info.context.actor, *words)
    return types.PurchasePayload(purchase=row, errors=[])
