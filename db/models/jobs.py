"""The outbox and the leases of work that must run in one place at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.jobs import PAYMENT_MESSAGE, JobState

OTHER_JOBS: Final = f"state = {JobState.READY:d} and kind <> '{PAYMENT_MESSAGE}'"
"""Waiting jobs that are not done together, in the words of their index."""


class Job(Base):
    """Work to do, written in the transaction that asks for it; `payload` has ids, or the bytes of a message to send."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_ready", "run_at", postgresql_where=text(f"state = {JobState.READY:d}")),
        Index("ix_job_other", "run_at", postgresql_where=text(OTHER_JOBS)),
        Index("ix_job_running", "leased_until", postgresql_where=text(f"state = {JobState.RUNNING:d}")),
        Index("ix_job_dead", "project_id", "id", postgresql_where=text(f"state = {JobState.DEAD:d}")),
        Index("ix_job_done", "finished_at", postgresql_where=text(f"state = {JobState.DONE:d}")),
        Index("ix_job_handover", "queue", "run_at", postgresql_where=text(f"state = {JobState.READY:d}")),
        Index(
            "ix_job_handed",
            "queue",
            "handed_until",
            postgresql_where=text(f"state = {JobState.READY:d} and handed_until is not null"),
        ),
        Index("uq_job_open_key", "key", unique=True, postgresql_where=text("key is not null and state < 3")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    queue: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # At most one open job has this key; None is no limit.
    key: Mapped[str | None]
    state: Mapped[JobState] = mapped_column(SmallEnum(JobState), server_default="1")
    attempts: Mapped[int] = mapped_column(server_default="0")
    run_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    # Until then its id is trusted to be on its way over the message broker.
    handed_until: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class Lease(Base):
    """The right to do one named piece of periodic work until `expires_at`."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]
