"""Usage in slots, folded from the ledger's rows. The engine writes it; the application's role may just read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class UsageSlot(Base):
    """Usage of one wallet, slot, feature, member, API key and category, right as of the wallet's cursor.

    `minutes` is 15 (every zone's hours and days begin on one) or 1440 (a UTC day); 0 or '' stands for none.
    """

    __tablename__ = "usage_slot"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    events: Mapped[int]
    units: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]


class UsageCursor(Base):
    """Up to which row a wallet's usage is folded."""

    __tablename__ = "usage_cursor"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
