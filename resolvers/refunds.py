"""What goes back of purchases."""

from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.acts import given
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.enums import DisputeStatus
from schema.pagination import After, First, connection
from services import disputes as dispute_service
from services import refunds as service

OfPurchase = Annotated[strawberry.ID | None, strawberry.argument(description="Only of this purchase.")]
InStatus = Annotated[DisputeStatus | None, strawberry.argument(description="Only those that stand there.")]


async def refunds(
    info: Info, first: First = 50, after: After = strawberry.UNSET, purchase_id: OfPurchase = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Refunds of the project or of one purchase, newest first, whoever began them."""
    words = (info.context.coffer, info.context.actor, narrowed("pur", purchase_id))
    return await connection(first, after, partial(service.list_refunds, *words))


async def disputes(
    info: Info, first: First = 50, after: After = strawberry.UNSET, status: InStatus = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Disputes of the project's payments, newest first."""
    words = (info.context.coffer, info.context.actor, given(status))
    return await connection(first, after, partial(dispute_service.list_disputes, *words))
