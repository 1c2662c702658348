"""Tenants, their API keys and their prices."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, SmallEnum
from domain.permissions import Role
from domain.pricing import UsageCategory


class Project(Base):
    """A tenant. Project 0 is the template whose prices a new project starts with."""

    __tablename__ = "project"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    price_version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[CreatedAt]


class ProjectGateway(Base):
    """A payment provider that a project may use, the lowest rank first; a project without a row may use them all."""

    __tablename__ = "project_gateway"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int]


class ApiKey(Base):
    """A bearer key of a project. Only the SHA-256 of its text is kept; `prefix` is what people recognise it by."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "project_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    role: Mapped[Role] = mapped_column(SmallEnum(Role))
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]


class PriceVersion(Base):
    """One published pricing matrix of a project; the project's row names the one in force."""

    __tablename__ = "price_version"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str | None]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("api_key.id"))
    published_at: Mapped[CreatedAt]


class FeaturePrice(Base):
    """What one unit of a feature costs, in credits, in one version; `cap_group` is the daily cap it counts against."""

    __tablename__ = "feature_price"
    __table_args__ = (CheckConstraint("credits >= 0", name="credits"),)

    project_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    feature: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[UsageCategory] = mapped_column(SmallEnum(UsageCategory))
    cap_group: Mapped[int] = mapped_column(SmallInteger)
    credits: Mapped[int]
