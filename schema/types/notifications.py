"""E-mails to owners."""

from typing import Any

import strawberry

from domain import notifications
from schema.enums import NotificationKind
from schema.errors import UserError
from schema.publishing import accepted, published


@published
class NotificationPreferences:
    """Where the owner of a wallet is written to, and about what."""

    email: str
    """The address."""

    @strawberry.field
    def kinds(root: strawberry.Parent[Any]) -> list[NotificationKind]:  # noqa: N805 - the row
        """What e-mails are sent about."""
        return [notifications.NotificationKind(kind) for kind in root.kinds]


@accepted
class NotificationPreferencesInput:
    """Where the owner of a wallet wants to be written to, and about what."""

    wallet_id: strawberry.ID
    """The wallet."""
    email: str | None = strawberry.UNSET
    """The address; without one no e-mails are sent."""
    kinds: list[NotificationKind] | None = strawberry.UNSET
    """What to write about; everything when it is not said."""


@published
class NotificationPreferencesPayload:
    """The preferences, or why they were refused."""

    preferences: NotificationPreferences | None = None
    """The preferences after the act; null when there is no address, or it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
