"""Streams that many sockets share: executed and written out once for a group of equal callers, then sent to each.

A group is the text, the operation's name, the variables, and the caller's tenant, role and key: whoever differs in one
of them may see something else, and never shares.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import structlog
from graphql import GraphQLError
from prometheus_client import Gauge
from strawberry.types.execution import PreExecutionError

from live.hub import Inbox, Overflow
from runtime.frames import text_frame
from schema.root import schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from domain.permissions import Actor
    from schema.context import Context

SHARED_FIELDS: Final = frozenset({"lowBalance", "rapidBurn", "runwayAlert"})
"""Subscriptions that begin without a state: whoever joins a running one has missed nothing."""

MEMBER_MESSAGES: Final = 1_024
"""Events that may wait for one socket; all sockets share their text. One more, and its subscription ends: an alert is
never dropped in silence."""

SLICE_MEMBERS: Final = 250
"""Sockets that are written to before others may use the processor."""

_members: Final = Gauge("coffer_live_shared_subscriptions", "Subscriptions that share an execution.")
_groups: Final = Gauge("coffer_live_shared_executions", "Executions that subscriptions share.")
_log: Final = structlog.get_logger()


class Alone(Exception):
    """The group can't go on: whoever is in it runs the operation alone, and hears the reason itself."""


class Key(NamedTuple):
    """What the members of a group have in common."""

    text: str
    operation_name: str | None
    variables: bytes
    actor: Actor


class Member:
    """One socket's part in a group. What can't be written to it at once waits for its task."""

    __slots__ = ("_behind", "_head", "_inbox", "_write")

    def __init__(self, operation_id: str, write: Callable[[bytes], bool]) -> None:
        self._head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)
        self._write = write
        self._inbox = Inbox(Overflow.CLOSE, MEMBER_MESSAGES)
        self._behind = False

    def take(self, event: bytes, frames: dict[bytes, bytes]) -> None:
        """Send an event, or keep it for `messages`; `frames` has those of members with the same operation id."""
        if not self._behind:
            frame = frames.get(self._head)
            if frame is None:
                frame = frames[self._head] = text_frame(self._message(event))
            if self._write(frame):
                return
            self._behind = True
        self._inbox.put(event)

    def end(self, reason: Exception) -> None:
        """Let the member have what is there, then end it."""
        self._inbox.end(reason)

    async def messages(self) -> AsyncIterator[bytes]:
        """What could not be written at once; the next one is asked for when the last one is sent. SlowReader."""
        async for event in self._inbox:
            yield self._message(event)
            self._behind = len(self._inbox) > 0

    def _message(self, event: bytes) -> bytes:
        return b"%b%b}" % (self._head, event)


class Group:
    """One running execution and its members."""

    def __init__(self) -> None:
        self.members: set[Member] = set()
        self.task: asyncio.Task[None] | None = None

    async def tell(self, event: bytes) -> None:
        """Give an event to every member, some at a time."""
        frames: dict[bytes, bytes] = {}
        for number, member in enumerate(list(self.members), 1):
            if member in self.members:
                member.take(event, frames)
            if number % SLICE_MEMBERS == 0:
                await asyncio.sleep(0)

    def end(self, reason: Exception) -> None:
        """Let the members have what is there, then end them."""
        for member in self.members:
            member.end(reason)


class SharedStreams:
    """The groups of this process. `make_context` makes the context that a group is executed with."""

    def __init__(self, make_context: Callable[[Actor], Context]) -> None:
        self._make_context = make_context
        self._groups: dict[Key, Group] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def key_of(
        self, context: Context, text: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> Key | None:
        """The group that an operation belongs to, once its caller has paid; None for one that must run alone.

        What would be refused runs alone too, where it is refused in words.
        """
        if context.caller is None:
            return None
        try:
            document = schema.documents.read(text, keep=True)
        except GraphQLError:
            return None
        if document.errors or document.subscription(operation_name) not in SHARED_FIELDS:
            return None
        points = document.points(operation_name, dict(variables or {}))
        if points > context.limits.cost_points or not (context.meter and (await context.meter.take(points)).granted):
            return None
        written = orjson.dumps(variables or {}, option=orjson.OPT_SORT_KEYS)
        return Key(text, operation_name, written, context.caller)

    @asynccontextmanager
    async def join(self, key: Key, member: Member) -> AsyncIterator[None]:
        """Be a member of the group inside the block. Alone when the group can't go on."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group()
            group.task = asyncio.create_task(self._run(key, group))
        group.members.add(member)
        _members.inc()
        try:
            yield
        finally:
            _members.dec()
            group.members.discard(member)
            if not group.members:
                self._stop(key, group)

    def _stop(self, key: Key, group: Group) -> None:
        """End an execution that nobody reads any more."""
        self._forget(key, group)
        if group.task is not None and not group.task.done():
            self._ending.add(group.task)
            group.task.add_done_callback(self._ending.discard)
            group.task.cancel()

    def _forget(self, key: Key, group: Group) -> None:
        if self._groups.get(key) is group:
            del self._groups[key]

    async def _run(self, key: Key, group: Group) -> None:
        reason: Exception = Alone()
        _groups.inc()
        try:
            await self._execute(key, group)
            reason = StopAsyncIteration()
        except Alone:
            pass
        except Exception as fault:  # noqa: BLE001 - the members run alone and hear of it
            _log.exception("live.shared_failed", fault=repr(fault))
        finally:
            _groups.dec()
            self._forget(key, group)
            group.end(reason)

    async def _execute(self, key: Key, group: Group) -> None:
        variables = orjson.loads(key.variables)
        context = self._make_context(key.actor)
        source: Any = await schema.stream(key.text, variables, context, operation_name=key.operation_name)
        async with aclosing(source) as results:
            async for result in results:
                if isinstance(result, PreExecutionError):
                    raise Alone
                await group.tell(written(result))


def written(result: Any) -> bytes:  # noqa: ANN401 - Strawberry's result
    """The payload of a `next` message."""
    payload = {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    return orjson.dumps(payload)
