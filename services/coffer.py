"""What every business act works with: the open connections and the clock, put together once in main.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateways.base import GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from db.database import Database
    from db.lanes import Lanes
    from gateways.base import Gateway
    from live.figures import Figures
    from live.hub import Hub
    from services.permits import Permits


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

    def gateway(self, name: str) -> Gateway:
        """The provider that a purchase was made with. GatewayUnavailable when it is not configured any more."""
        if name not in self.gateways:
            raise GatewayUnavailable(f"The gateway {name!r} is not configured: set its COFFER_ settings again.")
        return self.gateways[name]
