"""What a resolver knows of its call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from domain.errors import AccessDenied
from domain.fraud import Client
from domain.permissions import Actor
from services.coffer import Coffer


class Allowance(NamedTuple):
    """What a caller's budget says to an operation. None remaining means that nobody counts at the moment."""

    granted: bool
    remaining_points: int | None
    wait_seconds: float = 0.0
    """How long until there is enough."""


class Meter(Protocol):
    """A caller's budget of points."""

    async def take(self, points: int) -> Allowance:
        """Take points, or learn how long to wait for them."""

    def owe(self, points: int) -> Allowance:
        """The same by what this process knows; what was owed is taken with the points that come next."""


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """What one operation may take."""

    seconds: float
    cost_points: int


@dataclass(eq=False, slots=True)
class Context:
    """The open parts, who is calling, and the loaders; one for each request, or for each socket."""

    coffer: Coffer
    request_id: str
    caller: Actor | None
    expires_at: float | None = None
    connection_params: dict[str, Any] | None = None
    limits: OperationLimits = OperationLimits(30.0, 10_000)
    meter: Meter | None = None
    allowance: Allowance | None = None
    """The budget's last answer, for the headers of an HTTP response."""
    traceparent: str | None = None
    """The caller's place in its own trace, as its request or its socket's handshake said."""
    read_client: Callable[[], Client] = Client
    """Where the request came from, found out when somebody asks."""
    loaders: dict[str, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who is calling; AccessDenied (UNAUTHENTICATED) for anybody without a key."""
        if self.caller is None:
            message = "Send an API key: Authorization: Bearer <key>, or {authorization} in connection_init."
            raise AccessDenied("UNAUTHENTICATED", message)
        return self.caller

    def forget_caller(self) -> None:
        """The caller's key or token is good no more: what comes next on this socket comes from nobody."""
        self.caller = None


Info: TypeAlias = strawberry.Info[Context, None]
