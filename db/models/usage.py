"""Usage in slots, folded from the ledger's rows. The engine writes it; the application's role may just read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class UsageQuarter(Base):
    """Usage of a wallet in a quarter of an hour by every key, right as of its cursor; '' and 0 stand for none."""

    __tablename__ = "usage_quarter"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    events: Mapped[int]
    units: Mapped[int]
    credits: Mapped[int]
    last_activity_at: Mapped[datetime]


class UsageMonth(Base):
    """Usage of a wallet in a month of a clock and one combination of a view's keys, up to each day that has some.

    A row of `days` is events, units and credits up to that day, and the last activity in microseconds since 1970: so a
    range of days is the difference of two rows, however many days it has.
    """

    __tablename__ = "usage_month"
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    view: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    utc_offset: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    feature: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    days: Mapped[list[list[int]]] = mapped_column(ARRAY(BigInteger))


class ProjectUsageSlot(Base):
    """Usage of a project's wallets in a slot, right as of their cursors, by the keys of the view; the others are none.

    Views, grains and offsets are those of domain/slots.py.
    """

    __tablename__ = "project_usage_slot"

    project_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
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
