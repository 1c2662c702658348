"""Splits at the simulated provider: vendors are active at once, and parts are taken up to what was paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domain.splits import VendorStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from domain.splits import VendorDetails
    from gateways.splits import Part

    Call = Callable[[str, str, dict[str, Any] | None], Awaitable[dict[str, Any]]]


class SimulatedSplits:
    """Splits over the connection of the simulated gateway."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def create_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Make a vendor known; the same reference makes it once."""
        account = details.account.vpa or details.account.account_number
        body = {"reference": reference, "name": details.name, "account": account}
        await self._call("POST", "/simulated/beneficiaries", body)
        return VendorStatus.BLOCKED if details.is_blocked else VendorStatus.ACTIVE

    async def update_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Change what is known of a vendor: the first account stays."""
        return await self.create_vendor(reference, details)

    async def fetch_vendor(self, reference: str) -> VendorStatus:  # noqa: ARG002 - the protocol's
        """Read how a vendor stands."""
        return VendorStatus.ACTIVE

    async def split_order(self, order_id: str, reference: str, parts: Sequence[Part]) -> None:
        """Give vendors parts of a paid order."""
        body = {"reference": reference, "amount_minor": sum(part.amount_minor for part in parts)}
        await self._call("POST", f"/simulated/orders/{quote(order_id, safe='')}/splits", body)
