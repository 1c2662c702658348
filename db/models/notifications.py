"""What owners are told by e-mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.notifications import NotificationKind


class NotificationPreference(Base):
    """Where the owner of a wallet is written to, and about what; without this row nowhere."""

    __tablename__ = "notification_preference"

    wallet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[str]
    kinds: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))


class Notification(Base):
    """One e-mail about one event, written with the job that sends it."""

    __tablename__ = "notification"
    __table_args__ = (Index(None, "wallet_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # In the Message-ID, so that a message sent twice is one to the reader.
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    wallet_id: Mapped[int]
    kind: Mapped[NotificationKind] = mapped_column(SmallEnum(NotificationKind))
    # What it tells of: one event is told once.
    event: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime | None]
    # Why the mail server will never take it.
    refused: Mapped[str | None]
