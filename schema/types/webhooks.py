"""Providers' messages."""

from datetime import datetime

import strawberry

from schema.enums import WebhookState
from schema.errors import UserError
from schema.publishing import published
from schema.scalars import BigInt
from schema.types.nodes import Node, id_field


@published
class WebhookEvent(Node):
    """A payment provider's message about one of the project's purchases, and the work on it."""

    gateway: str
    """The provider."""
    event_id: str
    """The provider's id of it."""
    type: str
    """What the provider calls it."""
    order_id: str | None
    """The order or payment at the provider that it is about."""
    state: WebhookState
    """Where the work on it stands."""
    attempts: BigInt
    """How often the work was begun."""
    verdict: str | None
    """What was made of it."""
    last_error: str | None
    """Why the last attempt failed."""
    received_at: datetime
    """When it arrived first."""
    processed_at: datetime | None
    """When it was acted on."""
    id: strawberry.ID = id_field("evt", "id")


@published
class ReplayWebhookPayload:
    """The message, waiting again, or why not."""

    webhook_event: WebhookEvent | None = None
    """The message as it stands now; null when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
