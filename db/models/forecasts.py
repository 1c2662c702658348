"""Stored forecasts of usage, and how long wallets last."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt


class StoredForecast(Base):
    """The model of one wallet's usage, of all categories (0) or of one, fitted to the whole days before `made_on`."""

    __tablename__ = "usage_forecast"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    made_on: Mapped[date] = mapped_column(primary_key=True)
    history_from: Mapped[date]
    history_to: Mapped[date]
    model: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]


class RunwayWatch(Base):
    """When a wallet was forecast last, and below how many credits it is said to run out soon."""

    __tablename__ = "runway_watch"
    __table_args__ = (Index("ix_runway_watch_low", "wallet_id", postgresql_where=text("low")),)

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    forecast_on: Mapped[date | None]
    # None is the default number of days, 0 is no alert.
    alert_days: Mapped[int | None] = mapped_column(SmallInteger)
    # What the next alert_days likely cost.
    needed_credits: Mapped[int | None]
    low: Mapped[bool] = mapped_column(server_default="false")


class RunwayAlert(Base):
    """One time that a wallet's likely runway fell under its number of days."""

    __tablename__ = "runway_alert"
    __table_args__ = (Index(None, "project_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    wallet_uuid: Mapped[UUID]
    alert_days: Mapped[int] = mapped_column(SmallInteger)
    available_credits: Mapped[int]
    runway_days: Mapped[float]
    early_days: Mapped[float | None]
    late_days: Mapped[float | None]
    raised_at: Mapped[datetime]
