"""The money books. Only the functions of ledger_money.sql write them; the application's role may just read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.books import MoneyAccount, MoneyEntryKind


class MoneyEntry(Base):
    """One immutable amount (minor units) that one account is debited and another credited with."""

    __tablename__ = "money_entry"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 and debit <> credit", name="amount_minor"),
        Index("ix_money_entry_project_id_id", "project_id", "id"),
        Index("ix_money_entry_purchase_id_id", "purchase_id", "id"),
        # The entries of a day.
        Index(None, "created_at", postgresql_using="brin"),
        # The trial balance is read from this index alone.
        Index(
            "ix_money_entry_sums",
            "project_id",
            "currency",
            "debit",
            "credit",
            postgresql_include=["amount_minor"],
        ),
        # What happened once is written once; recognition goes on.
        Index(
            "uq_money_entry_source",
            "source",
            "kind",
            "debit",
            "credit",
            unique=True,
            postgresql_where=text(f"kind <> {MoneyEntryKind.RECOGNITION:d}"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    # A payout has none. Not a foreign key: recognition holds the wallet, and its check would wait for a refund that
    # waits for the wallet.
    purchase_id: Mapped[int | None]
    kind: Mapped[MoneyEntryKind] = mapped_column(SmallEnum(MoneyEntryKind))
    debit: Mapped[MoneyAccount] = mapped_column(SmallEnum(MoneyAccount))
    credit: Mapped[MoneyAccount] = mapped_column(SmallEnum(MoneyAccount))
    amount_minor: Mapped[int]
    currency: Mapped[str]
    # What it follows from: the purchase, the refund, the payment, or the wallet's row up to which credits were used.
    source: Mapped[str]
    created_at: Mapped[CreatedAt]


class Revenue(Base):
    """How much of a purchase is earned, right as of a sequence of its wallet; closed when no credit of it is left."""

    __tablename__ = "revenue"
    __table_args__ = (Index("ix_revenue_open", "wallet_id", postgresql_where=text("not closed")),)

    purchase_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wallet_id: Mapped[int]
    earned_minor: Mapped[int] = mapped_column(server_default="0")
    sequence: Mapped[int] = mapped_column(server_default="-1")
    closed: Mapped[bool] = mapped_column(server_default="false")
    reckoned_at: Mapped[datetime | None]


class RevenueNews(Base):
    """A refund of the purchase began or was undone, so that what it earned has to be reckoned again."""

    __tablename__ = "revenue_news"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    wallet_id: Mapped[int] = mapped_column(index=True)
    purchase_id: Mapped[int]
