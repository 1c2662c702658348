"""Which payment providers a project may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import projects as queries
from domain.errors import InvalidInput, NotFound
from domain.permissions import Actor, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from services.coffer import Coffer


async def list_gateways(coffer: Coffer, actor: Actor) -> list[str]:
    """The names of the providers that the actor's project may use, the default first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await _usable(coffer.gateways, session, actor.project_id)


async def choose_gateway(coffer: Coffer, session: Session, project_id: int, wanted: str | None) -> str:
    """The wanted provider, or the project's default. InvalidInput when the project may not use it."""
    usable = await _usable(coffer.gateways, session, project_id)
    if not usable:
        raise InvalidInput("This project has no payment provider: ask whoever runs Coffer.", field=["gateway"])
    if wanted is not None and wanted not in usable:
        raise InvalidInput(f"No gateway {wanted!r}: use one of {', '.join(usable)}.", field=["gateway"])
    return wanted or usable[0]


async def choose_payer(coffer: Coffer, session: Session, project_id: int, wanted: str | None) -> str:
    """The wanted provider of payouts, or the project's default. InvalidInput when the project may not use it."""
    usable = await _usable(coffer.payers, session, project_id)
    if not usable:
        raise InvalidInput("This project has no provider of payouts: ask whoever runs Coffer.", field=["gateway"])
    if wanted is not None and wanted not in usable:
        raise InvalidInput(f"No payouts through {wanted!r}: use one of {', '.join(usable)}.", field=["gateway"])
    return wanted or usable[0]


async def give_gateways(coffer: Coffer, project: str, names: Sequence[str] | None) -> list[str]:
    """Give a project these providers, the default first, and return what it may use; None changes nothing.

    No names at all mean every configured provider. NotFound, InvalidInput.
    """
    configured = {**coffer.gateways, **coffer.payers}
    unknown = [name for name in names or () if name not in configured]
    if unknown:
        raise InvalidInput(f"No gateway {', '.join(unknown)}: configured are {', '.join(configured)}.")
    async with coffer.database.transaction() as session:
        found = await queries.find(session, project)
        if found is None:
            raise NotFound(f"No project {project!r}.")
        if names is not None:
            await queries.set_gateways(session, found.id, list(dict.fromkeys(names)))
            await session.flush()
        return await _usable(configured, session, found.id)


async def _usable(configured: Mapping[str, object], session: Session, project_id: int) -> list[str]:
    """What the project was given and this process has; without a choice, all that this process has."""
    given = await queries.gateways(session, project_id)
    return [name for name in given or configured if name in configured]
