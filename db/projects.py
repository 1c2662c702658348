"""Queries of projects and their API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db.models.projects import ApiKey, Project, ProjectGateway
from db.paging import newest_first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page

_COPY_VERSION: Final = text(
    "insert into price_version (project_id, version, note)"
    " select :project_id, 1, note from price_version where project_id = 0 on conflict do nothing",
)
_COPY_PRICES: Final = text(
    "insert into feature_price (project_id, version, feature, category, cap_group, credits)"
    " select :project_id, 1, feature, category, cap_group, credits from feature_price"
    " where project_id = 0 on conflict do nothing",
)


async def open_project(session: Session, name: str) -> Project:
    """The project of that name; a new one starts with the template's prices."""
    await session.execute(insert(Project).values(name=name).on_conflict_do_nothing())
    project = (await session.scalars(select(Project).where(Project.name == name))).one()
    await session.execute(_COPY_VERSION, {"project_id": project.id})
    await session.execute(_COPY_PRICES, {"project_id": project.id})
    return project


async def get(session: Session, project_id: int) -> Project:
    """One project."""
    return (await session.scalars(select(Project).where(Project.id == project_id))).one()


async def find(session: Session, name: str) -> Project | None:
    """The project of that name."""
    return (await session.scalars(select(Project).where(Project.name == name))).one_or_none()


async def gateways(session: Session, project_id: int) -> list[str]:
    """The payment providers that a project was given, the default first; none means no choice was made."""
    query = select(ProjectGateway.gateway).where(ProjectGateway.project_id == project_id)
    return list(await session.scalars(query.order_by(ProjectGateway.rank)))


async def set_gateways(session: Session, project_id: int, names: Sequence[str]) -> None:
    """Give a project these payment providers, the default first, in place of those it had."""
    await session.execute(delete(ProjectGateway).where(ProjectGateway.project_id == project_id))
    session.add_all([ProjectGateway(project_id=project_id, gateway=name, rank=rank) for rank, name in enumerate(names)])


async def key_by_hash(session: Session, secret_hash: bytes) -> ApiKey | None:
    """The key whose text has that SHA-256, unless it was revoked."""
    query = select(ApiKey).where(ApiKey.secret_hash == secret_hash, ApiKey.revoked_at.is_(None))
    return (await session.scalars(query)).one_or_none()


async def find_key(session: Session, project_id: int, uuid: UUID) -> ApiKey | None:
    """The project's key with that uuid."""
    query = select(ApiKey).where(ApiKey.uuid == uuid, ApiKey.project_id == project_id)
    return (await session.scalars(query)).one_or_none()


async def keys(session: Session, project_id: int, page: Page) -> Sequence[ApiKey]:
    """Keys of a project, newest first, revoked ones too."""
    query = select(ApiKey).where(ApiKey.project_id == project_id)
    return (await session.scalars(newest_first(query, ApiKey.id, page))).all()


async def revoke(session: Session, key: ApiKey) -> None:
    """Mark a key as revoked; the first time counts."""
    key.revoked_at = key.revoked_at or (await session.scalar(select(func.now())))


async def revoked_keys(session: Session, api_key_ids: Sequence[int]) -> Sequence[int]:
    """Which of the keys are refused by now."""
    return (
        await session.scalars(select(ApiKey.id).where(ApiKey.id.in_(api_key_ids), ApiKey.revoked_at.is_not(None)))
    ).all()
