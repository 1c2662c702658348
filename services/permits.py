"""Which callers may go on: one watch of a process over the keys in use, for all of its sockets and streams."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from domain.errors import AccessDenied
from live import topics
from live.backend import GAP

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from db.database import Database
    from domain.permissions import Actor
    from live.hub import Hub
    from services.coffer import Coffer

T = TypeVar("T")

RETRY_SECONDS: Final = 1.0
"""Between two tries to read which keys were revoked, while the database does not answer."""

_log: Final = structlog.get_logger()


class Permits:
    """Tells those who hold a key's permit when the key is revoked, by whichever process."""

    def __init__(self, hub: Hub, database: Database) -> None:
        self._hub = hub
        self._revoked = database.live_reads.revoked
        self._held: dict[int, set[Callable[[], None]]] = {}
        self._listener: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Listen for revoked keys, until the hub closes."""
        listening = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(listening))
        await listening.wait()

    async def hold(self, key: int | None, revoked: Callable[[], None]) -> bool:
        """Call `revoked` once the key is revoked; False when it is already. Who has no key needs no permit."""
        if key is None:
            return True
        # Held first and read second, so that no revocation falls between.
        self._held.setdefault(key, set()).add(revoked)
        if await self._revoked.get(key) is None:
            return True
        self.release(key, revoked)
        return False

    def release(self, key: int | None, revoked: Callable[[], None]) -> None:
        """Give a permit back."""
        held = self._held.get(key or 0)
        if held is not None:
            held.discard(revoked)
            if not held:
                del self._held[key or 0]

    async def _listen(self, listening: asyncio.Event) -> None:
        async with self._hub.subscribe(topics.revocations()) as inbox:
            listening.set()
            async for message in inbox:
                keys = list(self._held) if message == GAP else self._held.keys() & {int(message)}
                for key in await self._revoked_among(keys):
                    for revoked in self._held.pop(key, ()):
                        revoked()

    async def _revoked_among(self, keys: Iterable[int]) -> list[int]:
        """A message is only a hint: which of the keys are revoked by the database."""
        while True:
            try:
                return [key for key in keys if await self._revoked.get(key)]
            except Exception as fault:  # noqa: BLE001 - this must outlive any fault of the database
                _log.warning("live.revocations_unread", fault=repr(fault))
                await asyncio.sleep(RETRY_SECONDS)


class Permit:
    """The right of one stream to go on, until its caller's token ends or `revoke`."""

    __slots__ = ("_ends_at", "_over", "_step")

    def __init__(self, left_seconds: float | None) -> None:
        now = asyncio.get_running_loop().time()
        self._ends_at = None if left_seconds is None else now + left_seconds
        self._over = False
        self._step: asyncio.Timeout | None = None

    def revoke(self) -> None:
        """End the stream, now."""
        self._over = True
        if self._step is not None and not self._step.expired():
            self._step.reschedule(asyncio.get_running_loop().time())

    async def step(self, stream: AsyncGenerator[T, None]) -> T:
        """The stream's next item; AccessDenied (UNAUTHENTICATED) when it may not go on."""
        if self._over:
            raise _ended()
        self._step = step = asyncio.timeout_at(self._ends_at)
        try:
            async with step:
                return await anext(stream)
        except TimeoutError:
            if step.expired():
                raise _ended() from None
            raise
        finally:
            self._step = None


def _ended() -> AccessDenied:
    return AccessDenied("UNAUTHENTICATED", "This key was revoked or has expired: send another one.")


async def while_allowed(
    coffer: Coffer, actor: Actor, expires_at: float | None, stream: AsyncGenerator[T, None]
) -> AsyncGenerator[T, None]:
    """Pass a stream on until its caller's key is revoked or its token ends; then AccessDenied (UNAUTHENTICATED)."""
    permit = Permit(None if expires_at is None else max(0.0, expires_at - coffer.clock().timestamp()))
    if not await coffer.permits.hold(actor.api_key_id, permit.revoke):
        raise _ended()
    try:
        async with aclosing(stream):
            while True:
                yield await permit.step(stream)
    except StopAsyncIteration:
        return
    finally:
        coffer.permits.release(actor.api_key_id, permit.revoke)
