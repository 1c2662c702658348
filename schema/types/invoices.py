"""GST invoices."""

from datetime import date, datetime
from typing import Any

import strawberry

from domain.gst import STATES
from schema.enums import InvoiceKind
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import Credits
from schema.types.money import money_field
from schema.types.nodes import Node, id_field


@published
class SellerDetails:
    """Who a project's invoices are from."""

    legal_name: str
    """As registered for GST."""
    address: str
    """Where it is registered."""
    gstin: str
    """Its GST number."""
    state_code: str
    """The GST code of its state, such as 29."""
    sac: str
    """The services accounting code of prepaid credits."""
    invoice_prefix: str
    """How invoice numbers begin."""
    credit_note_prefix: str
    """How the numbers of credit notes begin."""


@published
class BillingDetails:
    """Whom a wallet's invoices are for."""

    name: str
    """The buyer's name."""
    address: str
    """The buyer's address."""
    postal_code: str
    """Its PIN code."""
    state_code: str
    """The GST code of the buyer's state: the place of supply."""
    gstin: str | None
    """The buyer's GST number; null: not registered."""


@published
class Invoice(Node):
    """A tax invoice, or a credit note that takes a refund off one. It never changes."""

    kind: InvoiceKind
    """Which document it is."""
    number: str
    """Its consecutive number, at most 16 characters."""
    financial_year: str
    """April to March: 2627 is 2026-27."""
    issued_on: date
    """Its date, in India."""
    issued_at: datetime
    """When it was made."""
    original_number: str | None
    """The invoice that a credit note changes."""
    sac: str
    """The services accounting code."""
    credits: Credits
    """What was bought; 0 on a credit note."""
    id: strawberry.ID = id_field("inv")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet that was bought for."""
    purchase_id: strawberry.ID = id_field("pur", "purchase_uuid")
    """The purchase that it is about."""

    @strawberry.field
    def pdf_url(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """The path of its PDF at this server: get it with your key."""
        return f"/invoices/{public_id('inv', root.uuid)}.pdf"

    @strawberry.field
    def buyer_name(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """Whom it is for."""
        return str(root.buyer["name"])

    @strawberry.field
    def buyer_gstin(root: strawberry.Parent[Any]) -> str | None:  # noqa: N805 - the row
        """The buyer's GST number; null: not registered."""
        gstin: str | None = root.buyer.get("gstin")
        return gstin

    @strawberry.field
    def place_of_supply(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the row
        """The state that the tax is due in."""
        return f"{STATES[root.place_of_supply]} ({root.place_of_supply})"

    taxable = money_field("taxable_minor")
    """The price of the credits, or its part on a credit note."""
    cgst = money_field("cgst_minor")
    """Central GST; 0 between states."""
    sgst = money_field("sgst_minor")
    """State or union territory GST; 0 between states."""
    igst = money_field("igst_minor")
    """Integrated GST; 0 within a state."""
    platform_fee = money_field("platform_fee_minor")
    """The platform fee."""
    total = money_field("total_minor")
    """All of it."""


@accepted
class SellerDetailsInput:
    """Who a project's invoices are from."""

    legal_name: str
    """As registered for GST."""
    address: str
    """Where it is registered."""
    gstin: str
    """Its GST number."""
    state_code: str
    """The GST code of its state, such as 29."""
    sac: str = "998315"
    """The services accounting code of prepaid credits, 4 or 6 digits."""
    invoice_prefix: str = "INV"
    """How invoice numbers begin: 1 to 3 of A-Z, 0-9 and -."""
    credit_note_prefix: str = "CRN"
    """How the numbers of credit notes begin: a series of their own."""


@accepted
class BillingDetailsInput:
    """Whom a wallet's invoices are for."""

    wallet_id: strawberry.ID
    """The wallet."""
    name: str
    """The buyer's name."""
    address: str
    """The buyer's address."""
    postal_code: str
    """Its PIN code, 6 digits."""
    state_code: str
    """The GST code of the buyer's state, such as 29: the place of supply."""
    gstin: str | None = strawberry.UNSET
    """The buyer's GST number, if registered."""


@published
class SellerDetailsPayload:
    """The seller, or why it was refused."""

    seller_details: SellerDetails | None = None
    """Who invoices are from now; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class BillingDetailsPayload:
    """The billing details, or why they were refused."""

    billing_details: BillingDetails | None = None
    """Whom invoices are for now; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class InvoicePayload:
    """The invoice, or why there is none."""

    invoice: Invoice | None = None
    """The invoice; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
