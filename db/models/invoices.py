"""GST invoices: who sells, who buys, and the documents, which nobody changes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, SmallEnum
from domain.gst import DEFAULT_SAC, MAX_NUMBER_CHARACTERS, InvoiceKind


class Seller(Base):
    """Who a project's invoices are from; without this row it makes none."""

    __tablename__ = "seller"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, autoincrement=False)
    legal_name: Mapped[str]
    address: Mapped[str]
    gstin: Mapped[str]
    state_code: Mapped[str]
    sac: Mapped[str] = mapped_column(server_default=DEFAULT_SAC)
    invoice_prefix: Mapped[str] = mapped_column(server_default="INV")
    credit_note_prefix: Mapped[str] = mapped_column(server_default="CRN")


class BillingDetails(Base):
    """Whom the invoices of a wallet are for."""

    __tablename__ = "billing_details"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    address: Mapped[str]
    postal_code: Mapped[str]
    state_code: Mapped[str]
    gstin: Mapped[str | None]


class InvoiceCounter(Base):
    """The last number of a kind in a financial year; locked by the transaction that takes the next one."""

    __tablename__ = "invoice_counter"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, autoincrement=False)
    kind: Mapped[InvoiceKind] = mapped_column(SmallEnum(InvoiceKind), primary_key=True, autoincrement=False)
    financial_year: Mapped[str] = mapped_column(primary_key=True)
    last_serial: Mapped[int]


class Invoice(Base):
    """An immutable document with all that stands on it; a credit note's amounts are above 0, too."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("project_id", "kind", "financial_year", "serial"),
        UniqueConstraint("project_id", "number"),
        Index("uq_invoice_purchase_id", "purchase_id", unique=True, postgresql_where=text("kind = 1")),
        Index("ix_invoice_project_id_id", "project_id", "id"),
        Index("ix_invoice_wallet_id_id", "wallet_id", "id"),
        CheckConstraint(f"length(number) <= {MAX_NUMBER_CHARACTERS}", name="number"),
        CheckConstraint(
            "total_minor = taxable_minor + cgst_minor + sgst_minor + igst_minor + platform_fee_minor", name="total"
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    purchase_id: Mapped[int]
    purchase_uuid: Mapped[UUID]
    # The refund that a credit note is for.
    refund_uuid: Mapped[UUID | None] = mapped_column(unique=True)
    kind: Mapped[InvoiceKind] = mapped_column(SmallEnum(InvoiceKind))
    number: Mapped[str]
    financial_year: Mapped[str]
    serial: Mapped[int]
    # The number and the day of the invoice that a credit note changes.
    original_number: Mapped[str | None]
    original_issued_on: Mapped[date | None]
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    seller: Mapped[dict[str, Any]] = mapped_column(JSONB)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    place_of_supply: Mapped[str]
    sac: Mapped[str]
    credits: Mapped[int]
    taxable_minor: Mapped[int]
    cgst_minor: Mapped[int]
    sgst_minor: Mapped[int]
    igst_minor: Mapped[int]
    platform_fee_minor: Mapped[int]
    total_minor: Mapped[int]
    currency: Mapped[str]
