"""Queries of invoices, sellers and billing details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from db.models.invoices import BillingDetails, Invoice, InvoiceCounter, Seller
from db.paging import newest_first
from domain.gst import InvoiceKind, Taxes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page


async def seller(session: Session, project_id: int) -> Seller | None:
    """Who the project's invoices are from."""
    return await session.get(Seller, project_id, populate_existing=True)


async def sellers_among(session: Session, project_ids: Collection[int]) -> set[int]:
    """Those of the projects that make invoices."""
    return set(await session.scalars(select(Seller.project_id).where(Seller.project_id.in_(project_ids))))


async def set_seller(session: Session, values: Mapping[str, Any]) -> Seller:
    """Write or change it: the columns of seller."""
    row = insert(Seller).values(**values)
    changed = row.on_conflict_do_update(index_elements=[Seller.project_id], set_=dict(values)).returning(Seller)
    return (await session.scalars(changed, execution_options={"populate_existing": True})).one()


async def billing_details(session: Session, wallet_id: int) -> BillingDetails | None:
    """Whom the wallet's invoices are for."""
    return await session.get(BillingDetails, wallet_id, populate_existing=True)


async def set_billing_details(session: Session, values: Mapping[str, Any]) -> BillingDetails:
    """Write or change them: the columns of billing_details."""
    row = insert(BillingDetails).values(**values)
    changed = row.on_conflict_do_update(index_elements=[BillingDetails.wallet_id], set_=dict(values))
    rows = await session.scalars(changed.returning(BillingDetails), execution_options={"populate_existing": True})
    return rows.one()


async def next_serial(session: Session, project_id: int, kind: InvoiceKind, year: str) -> int:
    """The next number, without a gap: others wait for this transaction, and a rollback gives the number back."""
    row = insert(InvoiceCounter).values(project_id=project_id, kind=kind, financial_year=year, last_serial=1)
    keys = [InvoiceCounter.project_id, InvoiceCounter.kind, InvoiceCounter.financial_year]
    change = {"last_serial": InvoiceCounter.last_serial + 1}
    taken = row.on_conflict_do_update(index_elements=keys, set_=change).returning(InvoiceCounter.last_serial)
    return int((await session.execute(taken)).scalar_one())


async def of_purchase(session: Session, purchase_id: int) -> Invoice | None:
    """The invoice of a purchase."""
    query = select(Invoice).where(Invoice.purchase_id == purchase_id, Invoice.kind == InvoiceKind.INVOICE)
    return (await session.scalars(query)).one_or_none()


async def noted_taxes(session: Session, purchase_id: int) -> Taxes:
    """The taxes on a purchase's credit notes so far."""
    sums = [
        func.coalesce(func.sum(column), 0) for column in (Invoice.cgst_minor, Invoice.sgst_minor, Invoice.igst_minor)
    ]
    query = select(*sums).where(Invoice.purchase_id == purchase_id, Invoice.kind == InvoiceKind.CREDIT_NOTE)
    return Taxes(*map(int, (await session.execute(query)).one()))


async def of_refund(session: Session, refund: UUID) -> Invoice | None:
    """The credit note of a refund."""
    return (await session.scalars(select(Invoice).where(Invoice.refund_uuid == refund))).one_or_none()


async def by_uuid(session: Session, uuid: UUID) -> Invoice | None:
    """The document of any project: for background work."""
    return (await session.scalars(select(Invoice).where(Invoice.uuid == uuid))).one_or_none()


async def find(session: Session, project_id: int, uuid: UUID) -> Invoice | None:
    """The project's document with that uuid."""
    query = select(Invoice).where(Invoice.uuid == uuid, Invoice.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def newest(session: Session, project_id: int, wallet_id: int | None, page: Page) -> Sequence[Invoice]:
    """Documents of a project, of one wallet if named, newest first."""
    query = select(Invoice).where(Invoice.project_id == project_id)
    if wallet_id is not None:
        query = query.where(Invoice.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, Invoice.id, page))).all()
