"""Providers' messages."""

from datetime import datetime
from typing import Any

import strawberry

from schema.context import Info
from schema.enums import WebhookState
from schema.errors import UserError
from schema.publishing import published
from schema.scalars import BigInt
from schema.types.wallets import Node


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

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the object among all objects."""
        return strawberry.ID(f"evt_{root.id}")

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True


@published
class ReplayWebhookPayload:
    """The message, waiting again, or why not."""

    webhook_event: WebhookEvent | None = None
    """The message as it stands now; null when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
