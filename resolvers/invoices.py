"""GST invoices."""

from functools import partial
from typing import Any

import strawberry

from resolvers.acts import given, refusable
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import invoices as types
from services import invoices as service


async def seller_details(info: Info) -> Any:  # noqa: ANN401 - a row
    """Who the project's invoices are from; null: nobody yet, so none are made."""
    return await service.get_seller(info.context.coffer, info.context.actor)


async def billing_details(info: Info, wallet_id: strawberry.ID) -> Any:  # noqa: ANN401 - a row
    """Whom the wallet's invoices are for; null: its owner, by its id."""
    return await service.get_billing_details(info.context.coffer, info.context.actor, parse_id("wal", wallet_id))


async def invoice(info: Info, id: strawberry.ID) -> Any:  # noqa: ANN401 - the contract's name; a row
    """An invoice or credit note, or null when the project has none with this id."""
    return await service.get_invoice(info.context.coffer, info.context.actor, parse_id("inv", id))


async def invoices(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    wallet_id: strawberry.ID | None = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Invoices and credit notes of the project or of one wallet, newest first."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id))
    return await connection(first, after, partial(service.list_invoices, *words))


@refusable(types.SellerDetailsPayload)
async def set_seller_details(info: Info, input: types.SellerDetailsInput) -> types.SellerDetailsPayload:
    """Say who the project's invoices are from (owner). Purchases from now on get invoices."""
    request = service.SellerRequest(
        legal_name=input.legal_name,
        address=input.address,
        gstin=input.gstin,
        state_code=input.state_code,
        sac=input.sac,
        invoice_prefix=input.invoice_prefix,
        credit_note_prefix=input.credit_note_prefix,
    )
    row: Any = await service.set_seller(info.context.coffer, info.context.actor, request)
    return types.SellerDetailsPayload(seller_details=row, errors=[])


@refusable(types.BillingDetailsPayload)
async def set_billing_details(info: Info, input: types.BillingDetailsInput) -> types.BillingDetailsPayload:
    """Say whom the wallet's invoices are for."""
    request = service.BillingRequest(
        wallet=parse_id("wal", input.wallet_id),
        name=input.name,
        address=input.address,
        postal_code=input.postal_code,
        state_code=input.state_code,
        gstin=given(input.gstin),
    )
    row: Any = await service.set_billing_details(info.context.coffer, info.context.actor, request)
    return types.BillingDetailsPayload(billing_details=row, errors=[])


@refusable(types.InvoicePayload)
async def issue_invoice(info: Info, purchase_id: strawberry.ID) -> types.InvoicePayload:
    """Make the invoice of a paid purchase that has none, as from before setSellerDetails (owner, admin)."""
    purchase = parse_id("pur", purchase_id)
    row: Any = await service.issue_invoice(info.context.coffer, info.context.actor, purchase)
    return types.InvoicePayload(invoice=row, errors=[])
