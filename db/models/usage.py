"""Usage in slots, folded from the ledger's rows. The engine writes it; the application's role may just read."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import PrimaryKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base

_KEY: Final = ("wallet_id", "utc_offset", "grain", "slot")


class _Slot:
    """Usage of one slot and combination of the keys that are in the view; the others are 0 or '', as is none."""

    view: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    events: Mapped[int]
    units: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]


class UsageSlot(_Slot, Base):
    """Usage of a wallet, right as of its cursor. Views, grains and offsets are those of domain/slots.py."""

    __tablename__ = "usage_slot"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class UsageTotal(Base):
    """Usage of a wallet without keys in days, months and weeks, in an index that is read without the table.

    Vacuum comes often, as the index alone is enough only for what vacuum has seen.
    """

    __tablename__ = "usage_total"
    __table_args__ = (
        PrimaryKeyConstraint(*_KEY, postgresql_include=("events", "units", "credits", "last_activity_at")),
        {"postgresql_with": {f"autovacuum_vacuum_{kind}scale_factor": "0.02" for kind in ("", "insert_")}},
    )

    wallet_id: Mapped[int]
    utc_offset: Mapped[int] = mapped_column(SmallInteger)
    grain: Mapped[int] = mapped_column(SmallInteger)
    slot: Mapped[datetime]
    events: Mapped[int]
    units: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]


class ProjectUsageSlot(_Slot, Base):
    """Usage of a project's wallets together, right as of their cursors."""

    __tablename__ = "project_usage_slot"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class UsageCursor(Base):
    """Up to which row a wallet's usage is folded."""

    __tablename__ = "usage_cursor"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]


class UsageFold(Base):
    """What a fold locks, so that a project's folds go one after the other."""

    __tablename__ = "usage_fold"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class UsageClock(Base):
    """A clock besides UTC's and India's whose days a project has, before a time or all ('infinity')."""

    __tablename__ = "usage_clock"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    made_until: Mapped[datetime]
