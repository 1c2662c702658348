"""A provider of orders that splits, for the tests of splits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.refunds import RefundStatus
from domain.splits import VendorStatus
from gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Order,
    OrderRequest,
    ProviderRefund,
    RefundRequest,
    Reversals,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.splits import VendorDetails
    from gateways.splits import Part


@dataclass
class Splitter:
    """A provider of orders that splits: it remembers what it was asked."""

    name = "simulated"
    is_merchant_of_record = False
    standing: VendorStatus = VendorStatus.ACTIVE
    vendors: dict[str, VendorDetails] = field(default_factory=dict)
    orders: list[OrderRequest] = field(default_factory=list)
    done: dict[str, Sequence[Part]] = field(default_factory=dict)
    refunds: list[RefundRequest] = field(default_factory=list)
    refund_status: RefundStatus = RefundStatus.SUCCEEDED
    refuses: bool = False
    is_down: bool = False

    @property
    def splits(self) -> Splitter:
        """It does both."""
        return self

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order."""
        self.orders.append(request)
        return Order(f"order-{len(self.orders)}", "https://bank.example.test/pay")

    async def create_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Know a vendor."""
        self._answer()
        self.vendors[reference] = details
        return VendorStatus.BLOCKED if details.is_blocked else self.standing

    async def update_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Know it anew."""
        return await self.create_vendor(reference, details)

    async def fetch_vendor(self, reference: str) -> VendorStatus:
        """How it stands."""
        assert reference in self.vendors
        return self.standing

    async def split_order(self, order_id: str, reference: str, parts: Sequence[Part]) -> None:
        """Split once for the reference."""
        self._answer()
        assert order_id
        self.done[reference] = parts

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back, parts of it from vendors."""
        self._answer()
        self.refunds.append(request)
        return self._told(request)

    async def fetch_reversals(self, order_id: str, payment_id: str, references: Sequence[str]) -> Reversals:
        """What went back of an order."""
        assert payment_id
        assert references
        return Reversals([self._told(one) for one in self.refunds if one.order_id == order_id])

    def _told(self, request: RefundRequest) -> ProviderRefund:
        words = (f"r-{request.reference}", request.reference, request.total_minor, request.currency)
        return ProviderRefund(*words, self.refund_status, splits=request.splits)

    async def close(self) -> None:
        """Close nothing."""

    def _answer(self) -> None:
        if self.is_down:
            raise GatewayUnavailable("The splitter is down.")
        if self.refuses:
            raise GatewayRefused("Transaction already processed, not eligible for split")
