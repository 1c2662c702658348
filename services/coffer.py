"""What every business act works with: the open connections and the clock, put together once in main.py."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from gateways.base import GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from db.database import Database
    from db.lanes import Lanes
    from gateways.base import Gateway
    from gateways.payouts import PayoutGateway
    from live.figures import Figures
    from live.hub import Hub
    from services.permits import Permits

FEEDS_AT_ONCE: Final = 3
"""Live feeds of usage that a process reads at once: they come in crowds, and leave connections to others."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Coffer:
    """The open parts of one running process."""

    database: Database
    lanes: Lanes
    hub: Hub
    gateways: Mapping[str, Gateway]
    clock: Callable[[], datetime]
    permits: Permits
    figures: Figures
    payers: Mapping[str, PayoutGateway] = field(default_factory=dict)
    """Those that send money to people's accounts."""
    feeds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FEEDS_AT_ONCE))
    """Places of live feeds that read."""

    def gateway(self, name: str) -> Gateway:
        """The provider that a purchase was made with. GatewayUnavailable when it is not configured any more."""
        return _configured(self.gateways, name)

    def payer(self, name: str) -> PayoutGateway:
        """The provider that sends a payout. GatewayUnavailable when it is not configured any more."""
        return _configured(self.payers, name)


def _configured(gateways: Mapping[str, T], name: str) -> T:
    if name not in gateways:
        raise GatewayUnavailable(f"The gateway {name!r} is not configured: set its COFFER_ settings again.")
    return gateways[name]
