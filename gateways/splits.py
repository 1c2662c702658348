"""What Coffer asks of a provider that settles parts of a payment to vendors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.splits import VendorDetails, VendorStatus


@dataclass(frozen=True, slots=True)
class Part:
    """A vendor's part of a payment, in minor units; `vendor` is our id of it, letters and digits."""

    vendor: str
    amount_minor: int


class Splits(Protocol):
    """How a provider splits. Calls raise GatewayRefused or GatewayUnavailable (see gateways/base.py)."""

    async def create_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Make a vendor known; the same reference makes it once."""
        ...

    async def update_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Change what is known of a vendor."""
        ...

    async def fetch_vendor(self, reference: str) -> VendorStatus:
        """Read how a vendor stands."""
        ...

    async def split_order(self, order_id: str, reference: str, parts: Sequence[Part]) -> None:
        """Give vendors parts of a paid order; the same reference does it once."""
        ...


def splits_of(gateway: object) -> Splits | None:
    """How a gateway splits payments; None when it does not."""
    splits: Splits | None = getattr(gateway, "splits", None)
    return splits
