"""What every business act works with: the open connections and the clock, put together once in main.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from db.database import Database
    from db.lanes import Lanes
    from gateways.base import Gateway
    from live.hub import Hub


@dataclass(frozen=True, slots=True)
class Coffer:
    """The open parts of one running process."""

    database: Database
    lanes: Lanes
    hub: Hub
    gateways: Mapping[str, Gateway]
    clock: Callable[[], datetime]
