"""GST invoices: one for each paid purchase, a credit note for each refund, numbered without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from db import invoices as queries
from db import purchases as purchase_queries
from db import refunds as refund_queries
from db import wallets as wallet_queries
from db.models.invoices import Invoice
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.gst import (
    DEFAULT_SAC,
    InvoiceKind,
    check_gstin,
    check_prefix,
    check_sac,
    check_state,
    financial_year,
    indian_date,
    invoice_number,
    split_gst,
)
from domain.inputs import check_text
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.purchases import PurchaseStatus
from services.jobs import enqueue
from services.wallets import narrow_to, require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.invoices import BillingDetails, Seller
    from db.models.purchases import Purchase
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect

MAX_ADDRESS_CHARACTERS: Final = 500
POSTAL_CODE_DIGITS: Final = 6
PAID: Final = frozenset({PurchaseStatus.SUCCESS, PurchaseStatus.REFUNDED})


@dataclass(frozen=True, slots=True)
class SellerRequest:
    """Who the project's invoices are from."""

    legal_name: str
    address: str
    gstin: str
    state_code: str
    sac: str = DEFAULT_SAC
    invoice_prefix: str = "INV"
    credit_note_prefix: str = "CRN"


@dataclass(frozen=True, slots=True)
class BillingRequest:
    """Whom a wallet's invoices are for; without a GSTIN the buyer is not registered."""

    wallet: UUID | None
    name: str
    address: str
    postal_code: str
    state_code: str
    gstin: str | None = None


async def get_seller(coffer: Coffer, actor: Actor) -> Seller | None:
    """Who the project's invoices are from, or None while it makes none."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.seller(session, actor.project_id)


async def set_seller(coffer: Coffer, actor: Actor, request: SellerRequest) -> Seller:
    """Say who the project's invoices are from, from now on. InvalidInput."""
    actor.require(Permission.SET_SELLER)
    check_text(request.legal_name, "legalName")
    check_text(request.address, "address", MAX_ADDRESS_CHARACTERS)
    check_state(request.state_code, "stateCode")
    check_gstin(request.gstin, request.state_code, "gstin")
    check_sac(request.sac)
    check_prefix(request.invoice_prefix, "invoicePrefix")
    check_prefix(request.credit_note_prefix, "creditNotePrefix")
    if request.invoice_prefix == request.credit_note_prefix:
        raise InvalidInput("Credit notes have a series of their own.", field=["creditNotePrefix"])
    values = {name: getattr(request, name) for name in SellerRequest.__slots__}
    async with coffer.database.transaction() as session:
        return await queries.set_seller(session, values | {"project_id": actor.project_id})


async def get_billing_details(coffer: Coffer, actor: Actor, wallet: UUID | None) -> BillingDetails | None:
    """Whom the wallet's invoices are for. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.billing_details(session, (await require_wallet(session, actor, wallet)).id)


async def set_billing_details(coffer: Coffer, actor: Actor, request: BillingRequest) -> BillingDetails:
    """Say whom the wallet's invoices are for, from now on. NotFound, InvalidInput."""
    actor.require(Permission.PURCHASE)
    check_text(request.name, "name")
    check_text(request.address, "address", MAX_ADDRESS_CHARACTERS)
    check_state(request.state_code, "stateCode")
    code = request.postal_code
    if not (code.isascii() and code.isdigit() and len(code) == POSTAL_CODE_DIGITS):
        raise InvalidInput(f"postalCode is {POSTAL_CODE_DIGITS} digits.", field=["postalCode"])
    if request.gstin is not None:
        check_gstin(request.gstin, request.state_code, "gstin")
    values = {name: getattr(request, name) for name in BillingRequest.__slots__ if name != "wallet"}
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, request.wallet)
        return await queries.set_billing_details(session, values | {"wallet_id": found.id})


async def get_invoice(coffer: Coffer, actor: Actor, invoice: UUID | None) -> Invoice | None:
    """The invoice or credit note, or None when the project has none with that id."""
    actor.require(Permission.READ)
    if invoice is None:
        return None
    async with coffer.database.reading() as session:
        return await queries.find(session, actor.project_id, invoice)


async def list_invoices(coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page) -> Sequence[Invoice]:
    """Invoices and credit notes of the project or of one wallet, newest first. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        wallet_id = await narrow_to(session, actor, wallet)
        return await queries.newest(session, actor.project_id, wallet_id, page)


async def issue_invoice(coffer: Coffer, actor: Actor, purchase: UUID | None) -> Invoice:
    """Make the invoice of a paid purchase that has none, as from before there was a seller. NotFound, InvalidState."""
    actor.require(Permission.REFUND)
    async with coffer.database.transaction() as session:
        found = purchase and await purchase_queries.find(session, actor.project_id, purchase)
        if not found:
            raise NotFound("No such purchase in this project: see `purchases`.", field=["purchaseId"])
        made = await issue(coffer, session, found.uuid)
        if made is None:
            raise InvalidState(
                "This purchase gets no invoice: it is not paid, or sold by a merchant of record, or there is no seller"
                " yet (setSellerDetails).",
                field=["purchaseId"],
            )
    return made


async def invoice_sale(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `invoice.issue`: number and write the invoice of a paid purchase."""

    async def effect(session: Session) -> None:
        await issue(coffer, session, UUID(payload["purchase"]))

    return effect


async def note_refund(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `invoice.credit`: number and write the credit note of a refund whose money went back."""

    async def effect(session: Session) -> None:
        await _issue_credit_note(coffer, session, UUID(payload["purchase"]), UUID(payload["refund"]))

    return effect


async def issue(coffer: Coffer, session: Session, purchase: UUID) -> Invoice | None:
    """The purchase's invoice, made now if there is none; None when it gets none.

    A sale without our GST is a merchant of record's, who makes its own invoice.
    """
    row = await purchase_queries.lock(session, purchase)
    if row is None or row.status not in PAID or not row.gst_minor:
        return None
    known = await queries.of_purchase(session, row.id)
    seller = await queries.seller(session, row.project_id)
    if known is not None or seller is None:
        return known
    buyer = await _buyer(session, row)
    # A buyer whose state is not known is served where the seller is: section 12(2)(b)(ii) of the IGST Act.
    place = buyer.get("state_code") or seller.state_code
    taxes = split_gst(row.gst_minor, within_state=place == seller.state_code)
    made = _document(row, {"seller": _columns(seller), "buyer": buyer, "place_of_supply": place, "sac": seller.sac})
    made.taxable_minor, made.platform_fee_minor, made.credits = row.amount_minor, row.platform_fee_minor, row.credits
    made.cgst_minor, made.sgst_minor, made.igst_minor = taxes.cgst_minor, taxes.sgst_minor, taxes.igst_minor
    made.kind, made.total_minor = InvoiceKind.INVOICE, row.quote.total_minor
    await _number(coffer, session, made, seller.invoice_prefix)
    return made


async def _issue_credit_note(coffer: Coffer, session: Session, purchase: UUID, refund: UUID) -> None:
    original = await issue(coffer, session, purchase)
    row = await purchase_queries.lock(session, purchase)
    parts = await refund_queries.refund(session, refund)
    if original is None or row is None or parts is None or await queries.of_refund(session, refund) is not None:
        return
    before = await queries.noted_taxes(session, row.id)
    within_state = original.place_of_supply == original.seller["state_code"]
    taxes = split_gst(parts.gst_minor, within_state=within_state, before=before)
    names = ("seller", "buyer", "place_of_supply", "sac")
    made = _document(row, {name: getattr(original, name) for name in names})
    made.kind, made.refund_uuid, made.credits = InvoiceKind.CREDIT_NOTE, refund, 0
    made.original_number, made.original_issued_on = original.number, original.issued_on
    made.taxable_minor, made.platform_fee_minor = parts.amount_minor, parts.platform_fee_minor
    made.cgst_minor, made.sgst_minor, made.igst_minor = taxes.cgst_minor, taxes.sgst_minor, taxes.igst_minor
    made.total_minor = parts.total_minor
    await _number(coffer, session, made, original.seller["credit_note_prefix"])


def _document(row: Purchase, values: dict[str, Any]) -> Invoice:
    made = Invoice(uuid=uuid4(), project_id=row.project_id, wallet_id=row.wallet_id, wallet_uuid=row.wallet_uuid)
    made.purchase_id, made.purchase_uuid, made.currency = row.id, row.uuid, row.currency
    for name, value in values.items():
        setattr(made, name, value)
    return made


async def _number(coffer: Coffer, session: Session, made: Invoice, prefix: str) -> None:
    """Give a document its number and write it, with the job that will render it."""
    made.issued_at = coffer.clock()
    made.issued_on = indian_date(made.issued_at)
    made.financial_year = financial_year(made.issued_on)
    made.serial = await queries.next_serial(session, made.project_id, made.kind, made.financial_year)
    made.number = invoice_number(prefix, made.financial_year, made.serial)
    session.add(made)
    await session.flush()
    payload = {"invoice": made.uuid.hex, "project_id": made.project_id}
    await enqueue(coffer, session, (Queue.INVOICE_GENERATE, "invoice.render", payload))


async def _buyer(session: Session, row: Purchase) -> dict[str, Any]:
    """Whom the invoice is for, as it stands now; without billing details the wallet's owner by its id."""
    found = await queries.billing_details(session, row.wallet_id)
    if found is not None:
        return _columns(found)
    return {"name": (await wallet_queries.read(session, row.wallet_id)).owner_id}


def _columns(row: Seller | BillingDetails) -> dict[str, Any]:
    """What a row says, without whose it is."""
    names = [column.key for column in row.__table__.columns if not column.primary_key]
    return {name: getattr(row, name) for name in names}
