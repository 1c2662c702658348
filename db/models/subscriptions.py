"""Subscriptions; what they are paid with are purchases."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from db.models.purchases import Quoted
from domain.subscriptions import BillingInterval, SubscriptionStatus


class CreditSubscription(Quoted, Base):
    """Credits that are bought at every interval: each payment of the provider is a purchase of the same quote."""

    __tablename__ = "subscription"
    __table_args__ = (
        Index(None, "project_id", "id"),
        Index(None, "wallet_id", "id"),
        Index("uq_subscription_gateway_subscription_id", "gateway", "subscription_id", unique=True),
        Index("ix_subscription_check_at", "check_at", postgresql_where=text("status in (2, 3)")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    gateway: Mapped[str]
    # The provider's id; null until the first payment has come.
    subscription_id: Mapped[str | None]
    status: Mapped[SubscriptionStatus] = mapped_column(SmallEnum(SubscriptionStatus))
    interval: Mapped[BillingInterval] = mapped_column(SmallEnum(BillingInterval))
    first_purchase_uuid: Mapped[UUID]
    paid_until: Mapped[datetime | None]
    # When it ends, where the provider was told to let the paid period run out.
    ends_at: Mapped[datetime | None]
    # When its owner asked us to end it: what is paid in spite of that ends it at the provider.
    cancel_asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # When the provider is asked again how it stands.
    check_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
