"""Vendors, and the parts of purchases' money that go to them."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.errors import InvalidInput
from domain.payouts import BankDetails
from domain.splits import VendorDetails
from resolvers.acts import given, refusable
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import splits as types
from services import splits as service
from services import vendors as vendor_service
from services.requests import VendorRequest

OfPurchase = Annotated[strawberry.ID | None, strawberry.argument(description="Only of this purchase.")]


@refusable(types.VendorPayload)
async def create_vendor(
    info: Info, input: types.VendorInput, idempotency_key: str, gateway: str | None = strawberry.UNSET
) -> types.VendorPayload:
    """Make a vendor known to a payment provider that splits payments (owner, admin)."""
    words = (info.context.coffer, info.context.actor, _request(input, given(gateway)), idempotency_key)
    row: Any = await vendor_service.create_vendor(*words)
    return types.VendorPayload(vendor=row, errors=[])


@refusable(types.VendorPayload)
async def update_vendor(info: Info, id: strawberry.ID, input: types.VendorInput) -> types.VendorPayload:
    """Change a vendor, all of it, at the provider and here (owner, admin)."""
    words = (info.context.coffer, info.context.actor, parse_id("ven", id), _request(input, None))
    row: Any = await vendor_service.update_vendor(*words)
    return types.VendorPayload(vendor=row, errors=[])


@refusable(types.SplitPurchasePayload)
async def split_purchase(
    info: Info, purchase_id: strawberry.ID, parts: list[types.SplitPartInput], idempotency_key: str
) -> types.SplitPurchasePayload:
    """Give vendors parts of a paid purchase's amount (owner, admin)."""
    wanted = {parse_id("ven", part.vendor_id): part.amount_minor for part in parts}
    if len(wanted) != len(parts):
        raise InvalidInput("Name each vendor once.", field=["parts"])
    words = (info.context.coffer, info.context.actor, parse_id("pur", purchase_id), wanted, idempotency_key)
    rows: Any = await service.split_purchase(*words)
    return types.SplitPurchasePayload(splits=rows, errors=[])


async def vendors(info: Info, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """The project's vendors, newest first."""
    words = (info.context.coffer, info.context.actor)
    return await connection(first, after, partial(vendor_service.list_vendors, *words))


async def purchase_splits(
    info: Info, first: First = 50, after: After = strawberry.UNSET, purchase_id: OfPurchase = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """Parts of purchases that go to vendors, of the project or of one purchase, newest first."""
    words = (info.context.coffer, info.context.actor, narrowed("pur", purchase_id))
    return await connection(first, after, partial(service.list_splits, *words))


def _request(input: types.VendorInput, gateway: str | None) -> VendorRequest:
    details = VendorDetails(
        name=input.name,
        email=input.email,
        phone=input.phone,
        account=BankDetails(given(input.account_number), given(input.ifsc), given(input.vpa)),
        account_type=input.account_type,
        business_type=input.business_type,
        pan=input.pan,
        is_blocked=bool(given(input.blocked)),
    )
    return VendorRequest(details, given(input.share_basis_points) or 0, gateway)
