"""The names of live topics; ids are the internal ones, so a topic says nothing to anybody outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


def wallet(wallet_id: int) -> str:
    """Committed changes of one wallet."""
    return f"wallet:{wallet_id}"


def usage(wallet_id: int) -> str:
    """Usage was recorded for the wallet without a movement of credits: read it again."""
    return f"usage:{wallet_id}"


def alerts(project_id: int) -> str:
    """Low-balance alerts of a project's wallets."""
    return f"alerts:{project_id}"


def runways(project_id: int) -> str:
    """A wallet of the project was said to run out soon: read the alerts."""
    return f"runways:{project_id}"


def purchase(uuid: UUID) -> str:
    """A purchase changed: read it again."""
    return f"purchase:{uuid.hex}"


def subscription(uuid: UUID) -> str:
    """A subscription changed: read it again."""
    return f"subscription:{uuid.hex}"


def revocations() -> str:
    """Ids of API keys that were revoked, for every process: it remembers keys, and has their sockets and streams."""
    return "revocations"


def jobs() -> str:
    """A job may be due."""
    return "jobs"


def burns(project_id: int) -> str:
    """Alerts of rapid burn of a project's wallets."""
    return f"burns:{project_id}"


def recharges(wallet_id: int) -> str:
    """A wallet's auto-recharge changed: read it again."""
    return f"recharges:{wallet_id}"
