"""API keys: made once in clear, kept as a hash, revoked at once."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID, uuid4

from db import projects as queries
from db.models.projects import ApiKey
from domain.errors import NotFound
from domain.inputs import check_text
from domain.permissions import Actor, Permission, Role
from live import topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Database, Session
    from domain.pages import Page
    from services.coffer import Coffer

SECRET_BYTES: Final = 24
PREFIX_CHARACTERS: Final = 12


class CreatedKey(NamedTuple):
    """A new key; `secret` is shown this once."""

    key: ApiKey
    secret: str


async def create_key(coffer: Coffer, actor: Actor, name: str, role: Role) -> CreatedKey:
    """Make a key of the actor's project. InvalidInput."""
    actor.require(Permission.MANAGE_KEYS)
    check_text(name, "name")
    async with coffer.database.transaction() as session:
        return await _insert(session, actor.project_id, name, role)


async def issue_key(database: Database, project: str, role: Role) -> CreatedKey:
    """Make a key from the command line; a new project name makes the project. InvalidInput."""
    check_text(project, "project")
    async with database.transaction() as session:
        opened = await queries.open_project(session, project)
        return await _insert(session, opened.id, f"{role.name.lower()} from the command line", role)


async def revoke_key(coffer: Coffer, actor: Actor, key: UUID | None) -> ApiKey:
    """Refuse a key from now on and end its open subscriptions. NotFound."""
    actor.require(Permission.MANAGE_KEYS)
    async with coffer.database.transaction() as session:
        found = key and await queries.find_key(session, actor.project_id, key)
        if not found:
            raise NotFound("No such API key in this project: see `apiKeys`.", field=["id"])
        await queries.revoke(session, found)
        number = str(found.id).encode()
        session.after_commit(lambda: coffer.hub.publish(topics.revocations(), number))
    return found


async def list_keys(coffer: Coffer, actor: Actor, page: Page) -> Sequence[ApiKey]:
    """Keys of the project, newest first."""
    actor.require(Permission.MANAGE_KEYS)
    async with coffer.database.reading() as session:
        return await queries.keys(session, actor.project_id, page)


async def authenticate(coffer: Coffer, secret: str) -> Actor | None:
    """Who a bearer key is, or None when it is unknown or revoked."""
    async with coffer.database.reading() as session:
        key = await queries.key_by_hash(session, _hash(secret))
    return None if key is None else Actor(key.project_id, key.role, key.id)


async def project_named(coffer: Coffer, name: str) -> int | None:
    """The id of a project."""
    async with coffer.database.reading() as session:
        project = await queries.find(session, name)
    return None if project is None else project.id


async def project_of(coffer: Coffer, actor: Actor) -> str:
    """The name of the actor's project."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return (await queries.get(session, actor.project_id)).name


async def _insert(session: Session, project_id: int, name: str, role: Role) -> CreatedKey:
    secret = "cof_" + secrets.token_hex(SECRET_BYTES)
    prefix = secret[:PREFIX_CHARACTERS]
    key = ApiKey(uuid=uuid4(), project_id=project_id, name=name, prefix=prefix, secret_hash=_hash(secret), role=role)
    session.add(key)
    await session.flush()
    await session.refresh(key)
    return CreatedKey(key, secret)


def _hash(secret: str) -> bytes:
    # A key has 192 random bits, so a slow password hash would add nothing but time to every request.
    return sha256(secret.encode()).digest()
