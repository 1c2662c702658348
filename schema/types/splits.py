"""Vendors, and the parts of purchases' money that go to them."""

from datetime import datetime

import strawberry

from schema.enums import SplitStatus, VendorStatus
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt
from schema.types.money import money_field
from schema.types.nodes import Node, id_field


@published
class Vendor(Node):
    """Who gets parts of a project's payments; the provider keeps the account and the papers."""

    status: VendorStatus
    """Whether money can be settled to it."""
    gateway: str
    """The payment provider that settles it."""
    name: str
    """Who it is."""
    email: str
    """Where the provider writes to it."""
    label: str
    """The end of its account's number and its IFSC, or the beginning of its UPI address."""
    share_basis_points: BigInt
    """Its share of the amount of every purchase through the provider, in hundredths of a percent."""
    created_at: datetime
    """When it was made known."""
    id: strawberry.ID = id_field("ven")


@published
class PurchaseSplit(Node):
    """A part of a purchase's money that goes to a vendor."""

    status: SplitStatus
    """Where it stands."""
    failure_reason: str | None
    """Why the provider refused it."""
    created_at: datetime
    """When it was planned or asked for."""
    completed_at: datetime | None
    """When it was settled to the vendor's account at the provider, or refused."""
    id: strawberry.ID = id_field("spl")
    purchase_id: strawberry.ID = id_field("pur", "purchase_uuid")
    """The purchase."""
    vendor_id: strawberry.ID = id_field("ven", "vendor_uuid")
    """To whom."""
    amount = money_field("amount_minor")
    """How much."""
    refunded = money_field("refunded_minor")
    """What refunds take back of it, those on their way included."""


@accepted
class VendorInput:
    """All of a vendor, for the provider; Coffer keeps name, e-mail, the account's label and the share."""

    name: str
    """Whose account it is."""
    email: str
    """Where the provider writes to it."""
    phone: str
    """Ten digits."""
    account_number: str | None = strawberry.UNSET
    """Its bank account's number."""
    ifsc: str | None = strawberry.UNSET
    """The bank's code, with an account number."""
    vpa: str | None = strawberry.UNSET
    """A UPI address, in place of an account."""
    account_type: str
    """What the provider calls its kind, such as INDIVIDUAL or BUSINESS."""
    business_type: str
    """What the provider calls its business."""
    pan: str
    """Its permanent account number."""
    share_basis_points: BigInt | None = strawberry.UNSET
    """Its share of the amount of every purchase, in hundredths of a percent: 0 without a value."""
    blocked: bool | None = strawberry.UNSET
    """Whether nothing is settled to it for now."""


@accepted
class SplitPartInput:
    """A vendor's part of a purchase."""

    vendor_id: strawberry.ID
    """One of `vendors`."""
    amount_minor: BigInt
    """How much, in paise."""


@published
class VendorPayload:
    """The vendor, or why nothing was done."""

    vendor: Vendor | None = None
    """The vendor after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class SplitPurchasePayload:
    """The splits, or why nothing was done."""

    splits: list[PurchaseSplit] | None = None
    """What was asked for; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
