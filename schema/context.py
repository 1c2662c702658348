"""What a resolver knows of its call."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from domain.errors import AccessDenied
from domain.permissions import Actor
from services.coffer import Coffer


@dataclass(eq=False)
class Context:
    """The open parts, who is calling, and the loaders; one for each request, or for each socket."""

    coffer: Coffer
    request_id: str
    caller: Actor | None
    expires_at: float | None = None
    connection_params: dict[str, Any] | None = None
    operation_seconds: float = 30.0
    loaders: dict[str, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who is calling; AccessDenied (UNAUTHENTICATED) for anybody without a key."""
        if self.caller is None:
            message = "Send an API key: Authorization: Bearer <key>, or {authorization} in connection_init."
            raise AccessDenied("UNAUTHENTICATED", message)
        return self.caller


Info: TypeAlias = strawberry.Info[Context, None]
