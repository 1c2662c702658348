"""Providers' messages: taken in once with the job that will act on them, shown, and run again when they are dead."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db import events as queries
from db.events import Message
from db.gathering import Gathered
from domain.errors import InvalidState, NotFound
from domain.jobs import PAYMENT_MESSAGE, Queue
from domain.permissions import Actor, Permission
from domain.webhooks import WebhookEvent, WebhookState
from live import topics
from services.jobs import revive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.pages import Page
    from gateways.base import WebhookEvent as Verified
    from services.coffer import Coffer

MESSAGES_AT_ONCE: Final = 500
"""Messages that one statement keeps; those that arrive meanwhile wait for the next."""

PURGE_MESSAGES: Final = 5_000
PURGE_BATCHES: Final = 200
"""Of PURGE_MESSAGES each in one round: a million."""

_JOB: Final = (Queue.WEBHOOK_PROCESSING.value, PAYMENT_MESSAGE)


class Intake:
    """Keeps verified messages; those that arrive while others are written go together in the next statement."""

    def __init__(self, coffer: Coffer) -> None:
        self._coffer = coffer
        self._stored: Gathered[Message, bool] = Gathered(self._store, MESSAGES_AT_ONCE)

    async def receive(self, gateway: str, event: Verified, body: bytes) -> bool:
        """Keep a message and ask for its job in one commit; False when the provider had sent it before."""
        message = Message(gateway, event.event_id, event.type, event.kind.value, event.order_id, body)
        return bool(await self._stored.get(message))

    async def _store(self, messages: Sequence[Message]) -> dict[Message, bool]:
        coffer = self._coffer
        async with coffer.database.transaction() as session:
            new = await queries.store(session, messages, _JOB, coffer.clock())
            session.after_commit(lambda: coffer.hub.publish(topics.jobs(), b"due"))
        return {message: (message.gateway, message.event_id) in new for message in messages}


async def list_webhook_events(
    coffer: Coffer, actor: Actor, gateway: str | None, state: WebhookState | None, page: Page
) -> Sequence[WebhookEvent]:
    """The messages about the project's purchases, newest first."""
    actor.require(Permission.OPERATE)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, gateway, state, page)


async def purge_messages(coffer: Coffer, keep_days: int) -> None:
    """Forget messages that were acted on and came so many days ago, in batches, each its own transaction."""
    before = coffer.clock() - timedelta(days=keep_days)
    for _ in range(PURGE_BATCHES):
        async with coffer.database.transaction() as session:
            if await queries.purge(session, before, PURGE_MESSAGES) < PURGE_MESSAGES:
                return


async def replay_webhook(coffer: Coffer, actor: Actor, event_id: int | None) -> WebhookEvent:
    """Act on a dead message again. NotFound; InvalidState when it is not dead."""
    actor.require(Permission.OPERATE)
    async with coffer.database.transaction() as session:
        found = await queries.with_ids(session, actor.project_id, [event_id] if event_id else [])
        if event_id not in found:
            raise NotFound("No such message in this project: see `webhookEvents`.", field=["id"])
        event = found[event_id]
        if event.state is not WebhookState.DEAD or event.job_id is None:
            raise InvalidState(f"Only a dead message can be replayed; this one is {event.state.name}.", field=["id"])
        await revive(coffer, session, event.job_id)
        return (await queries.with_ids(session, actor.project_id, [event_id]))[event_id]
