"""Who is calling: a bearer API key, or a JWT when a secret for them is set."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt

from domain.permissions import Actor, Role
from live import topics
from live.backend import GAP
from services.keys import authenticate, project_named

if TYPE_CHECKING:
    from services.coffer import Coffer

REMEMBER_SECONDS: Final = 5.0
"""How long a key is taken as known; a revoked one is forgotten when the news arrives, and after this at the latest."""

REMEMBER_KEYS: Final = 10_000
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class Caller:
    """An actor and when its token ends (seconds since 1970), if it does."""

    actor: Actor
    expires_at: float | None = None


class Authenticator:
    """Reads bearer credentials."""

    def __init__(self, coffer: Coffer, jwt_secret: str | None) -> None:
        self._coffer = coffer
        self._jwt_secret = jwt_secret
        self._known: dict[str, tuple[float, Caller]] = {}
        self._listener: asyncio.Task[None] | None = None
        # How often news came; none is heard before the first.
        self._heard = 0

    async def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this Authorization value; None when it is missing, unknown, revoked or expired."""
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            return None
        until, known = self._known.get(secret, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        if self._listener is None:
            self._listener = asyncio.create_task(self._forget_revoked())
        heard = self._heard
        caller = await self._read(secret.strip())
        # A key that was read while another was revoked, or while nobody listened, may be that one.
        if caller is not None and caller.expires_at is None and 0 < heard == self._heard:
            self._remember(secret, caller)
        return caller

    async def _forget_revoked(self) -> None:
        """Forget a key when any process revokes it, and all of them when a message may have been missed."""
        async with self._coffer.hub.subscribe(topics.revocations()) as inbox:
            self._heard += 1
            async for message in inbox:
                self._heard += 1
                kept = {} if message == GAP else self._known
                self._known = {text: entry for text, entry in kept.items() if entry[1].actor.api_key_id != int(message)}

    def _remember(self, secret: str, caller: Caller) -> None:
        if len(self._known) >= REMEMBER_KEYS:
            self._known.clear()
        self._known[secret] = (time.monotonic() + REMEMBER_SECONDS, caller)

    async def _read(self, secret: str) -> Caller | None:
        if self._jwt_secret is not None and secret.count(".") == 2:  # noqa: PLR2004 - the three parts of a JWT
            return await self._read_jwt(secret, self._jwt_secret)
        actor = await authenticate(self._coffer, secret)
        return None if actor is None else Caller(actor)

    async def _read_jwt(self, token: str, secret: str) -> Caller | None:
        """Claims: `project` (its name), `role` (owner, admin, member, viewer) and `exp`."""
        try:
            claims = jwt.decode(token, secret, [_ALGORITHM], options={"require": ["exp", "project", "role"]})
            role = Role[str(claims["role"]).upper()]
        except (jwt.InvalidTokenError, KeyError):
            return None
        project_id = await project_named(self._coffer, str(claims["project"]))
        return None if project_id is None else Caller(Actor(project_id, role), float(claims["exp"]))
