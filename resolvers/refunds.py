"""What goes back of purchases."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.errors import NotFound
from resolvers.acts import given
from schema.context import Info
from schema.enums import DisputeStatus
from schema.ids import parse_id
from schema.pagination import After, First, connection
from services import disputes as dispute_service
from services import refunds as service

OfPurchase = Annotated[strawberry.ID | None, strawberry.argument(description="Only of this purchase.")]
InStatus = Annotated[DisputeStatus | None, strawberry.argument(description="Only those that stand there.")]


async def refunds(
    info: Info, first: First = 50, after: After = strawberry.UNSET, purchase_id: OfPurchase = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Refunds of the project or of one purchase, newest first, whoever began them."""
    purchase = parse_id("pur", purchase_id) if purchase_id else None
    if purchase_id and purchase is None:
        raise NotFound("No such purchase in this project: see `purchases`.", field=["purchaseId"])
    words = (info.context.coffer, info.context.actor, purchase)
    return await connection(first, after, partial(service.list_refunds, *words))


async def disputes(
    info: Info, first: First = 50, after: After = strawberry.UNSET, status: InStatus = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Disputes of the project's payments, newest first."""
    words = (info.context.coffer, info.context.actor, given(status))
    return await connection(first, after, partial(dispute_service.list_disputes, *words))
