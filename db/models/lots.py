"""What follows from the ledger's rows: lots and what they paid for, sums by account, seals. The engine writes them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, SmallEnum
from domain.ledger import Account
from domain.lots import LotSource


class Lot(Base):
    """Credits given by the row `sequence`; `remaining` is right as of the wallet's settlement."""

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint("remaining >= 0 and remaining <= credits", name="remaining"),
        Index("ix_lot_wallet_id_sequence", "wallet_id", "sequence"),
        Index("ix_lot_timed", "wallet_id", postgresql_where=text("expires_at is not null or not active")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    wallet_id: Mapped[int]
    sequence: Mapped[int]
    credits: Mapped[int]
    remaining: Mapped[int]
    priority: Mapped[int]
    effective_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    source: Mapped[LotSource] = mapped_column(SmallEnum(LotSource))
    active: Mapped[bool]
    source_id: Mapped[str | None]


class Allocation(Base):
    """A lot paid for the rows from one sequence to another; of the first and the last it may have paid a part."""

    __tablename__ = "allocation"
    __table_args__ = (
        Index("ix_allocation_wallet_id_to_sequence", "wallet_id", "to_sequence"),
        Index("ix_allocation_lot_id", "lot_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    wallet_id: Mapped[int]
    lot_id: Mapped[int]
    from_sequence: Mapped[int]
    to_sequence: Mapped[int]
    credits: Mapped[int]
    first_credits: Mapped[int]
    last_credits: Mapped[int]


class Settlement(Base):
    """Up to which row a wallet's lots and account flows are worked out."""

    __tablename__ = "settlement"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    settled_at: Mapped[datetime]


class AccountFlow(Base):
    """All credits that a wallet's settled rows moved from one account to another."""

    __tablename__ = "account_flow"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_account: Mapped[Account] = mapped_column(SmallEnum(Account), primary_key=True, autoincrement=False)
    to_account: Mapped[Account] = mapped_column(SmallEnum(Account), primary_key=True, autoincrement=False)
    credits: Mapped[int]
    movements: Mapped[int]


class Seal(Base):
    """SHA-256 over the seal before it and the rows from one sequence to another."""

    __tablename__ = "seal"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_sequence: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]
