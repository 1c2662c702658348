"""Taking in a verified webhook: once per event, with the job that will act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import events as queries
from db.purchases import by_order
from domain.jobs import Queue
from services.jobs import enqueue

if TYPE_CHECKING:
    from gateways.base import WebhookEvent
    from services.coffer import Coffer


async def receive(coffer: Coffer, gateway: str, event: WebhookEvent, body: bytes) -> bool:
    """Store the event and ask for its job in one transaction; False when the provider had sent it before."""
    values = {"event_id": event.event_id, "type": event.type, "kind": event.kind.value, "order_id": event.order_id}
    async with coffer.database.transaction() as session:
        stored = await queries.store(session, gateway, {**values, "body": body})
        if stored is None:
            return False
        # With its project, so that the project's owner sees the job if it dies.
        purchase = await by_order(session, gateway, event.order_id) if event.order_id else None
        payload = {"event": stored, "project_id": purchase and purchase.project_id}
        await enqueue(coffer, session, (Queue.WEBHOOK_PROCESSING, "gateway.event", payload))
    return True
