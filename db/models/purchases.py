"""Purchases, their orders and payments."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.purchases import PaymentMethod, PurchaseStatus, Quote
from domain.subscriptions import BillingInterval
from domain.totals import MoneyMovement


class Quoted:
    """What the buyer accepted to pay (paise) for how many credits."""

    amount_minor: Mapped[int]
    gst_minor: Mapped[int]
    platform_fee_minor: Mapped[int]
    credits: Mapped[int]
    bonus_credits: Mapped[int]
    currency: Mapped[str]

    @property
    def quote(self) -> Quote:
        """The quote that the buyer accepted."""
        return Quote(
            amount_minor=self.amount_minor,
            gst_minor=self.gst_minor,
            platform_fee_minor=self.platform_fee_minor,
            credits=self.credits,
            bonus_credits=self.bonus_credits,
            currency=self.currency,
        )


class Purchase(Quoted, Base):
    """One attempt to buy credits, with the quote that the buyer accepted (paise and credits)."""

    __tablename__ = "purchase"
    __table_args__ = (
        UniqueConstraint("wallet_id", "idempotency_key"),
        Index(None, "project_id", "id"),
        Index("ix_purchase_project_id_created_at", "project_id", "created_at"),
        Index(None, "order_id"),
        # One payment of a provider pays for one purchase.
        Index("uq_purchase_gateway_payment_id", "gateway", "payment_id", unique=True),
        Index("ix_purchase_card", "project_id", "card", postgresql_where=text("card is not null")),
        Index("ix_purchase_subscription", "subscription_uuid", postgresql_where=text("subscription_uuid is not null")),
        CheckConstraint("amount_minor > 0 and credits >= bonus_credits and bonus_credits >= 0", name="quote"),
        CheckConstraint("refunded_minor between 0 and amount_minor", name="refunded_minor"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    status: Mapped[PurchaseStatus] = mapped_column(SmallEnum(PurchaseStatus))
    method: Mapped[PaymentMethod] = mapped_column(SmallEnum(PaymentMethod))
    gateway: Mapped[str]
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    attempt: Mapped[int] = mapped_column(server_default="1")
    simulate_failure: Mapped[bool] = mapped_column(server_default="false")
    order_id: Mapped[str | None]
    payment_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    failure_reason: Mapped[str | None]
    idempotency_key: Mapped[str]
    # The key of the retry that made the current attempt, so that sending it again changes nothing.
    retry_key: Mapped[str | None]
    # The provider's fingerprint of the card that paid.
    card: Mapped[str | None]
    # Whether the buyer lets us keep the method; or the kept one that is charged, for the attempt of an auto-recharge.
    saves_method: Mapped[bool] = mapped_column(server_default="false")
    saved_method_id: Mapped[int | None] = mapped_column(ForeignKey("saved_method.id"))
    recharge_id: Mapped[int | None] = mapped_column(ForeignKey("recharge.id"))
    # The subscription that it pays for; its first purchase also has how often the order that is opened for it renews.
    subscription_row_id: Mapped[int | None] = mapped_column(ForeignKey("subscription.id"))
    subscription_uuid: Mapped[UUID | None]
    interval: Mapped[BillingInterval | None] = mapped_column(SmallEnum(BillingInterval))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    @property
    def reference(self) -> str:
        """Our id of the current attempt at the provider; a new attempt is a new order there."""
        return f"{self.uuid.hex}-{self.attempt}"


class PurchaseOrder(Base):
    """An order that was opened at a provider for an attempt at a purchase: its messages find the purchase by it."""

    __tablename__ = "purchase_order"
    __table_args__ = (Index(None, "purchase_id"),)

    gateway: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"))


class SurplusPayment(Base):
    """A payment of a purchase that was paid already: it buys nothing and goes back whole."""

    __tablename__ = "surplus_payment"
    __table_args__ = (UniqueConstraint("gateway", "payment_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id"))
    gateway: Mapped[str]
    order_id: Mapped[str]
    payment_id: Mapped[str]
    total_minor: Mapped[int]
    currency: Mapped[str]
    refund_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None]


class SimulatedOrder(Base):
    """The simulated provider's own record of an order; Coffer reads it only over HTTP, as with any provider."""

    __tablename__ = "simulated_order"

    id: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    currency: Mapped[str]
    method: Mapped[str]
    status: Mapped[str]
    # Refunds by their reference: minor units.
    refunds: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    # Open, won or lost, once the buyer has disputed it.
    dispute: Mapped[str | None]
    failure_reason: Mapped[str | None]
    fails: Mapped[bool]
    # The buyer lets the merchant charge this order's method again; or the order whose method this one charges.
    saves_method: Mapped[bool] = mapped_column(server_default="false")
    charges: Mapped[str | None]
    # Month or year for the first order of a subscription, or `cancelled`; its renewals are orders that charge it.
    renews: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class SimulatedMovement(Base):
    """Money that the simulated provider took or gave back."""

    __tablename__ = "simulated_movement"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # The provider's id of the payment or refund.
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[MoneyMovement] = mapped_column(SmallEnum(MoneyMovement))
    order_id: Mapped[str]
    reference: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    at: Mapped[datetime]
