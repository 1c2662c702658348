"""Polar's lists of orders and refunds, as movements of money; API of 2026-10."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from domain.purchases import PurchaseStatus
from domain.refunds import RefundStatus
from domain.totals import MoneyMovement, Movement
from gateways.calls import readable
from gateways.movements import every_page
from gateways.polar_answers import read_order, read_refund

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from domain.totals import Span

    Send = Callable[..., Awaitable[Any]]

PAGE_ENTRIES: Final = 100
"""Polar's own limit."""


class PolarMovements:
    """Movements over the connection of Polar's gateway."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def list_movements(self, span: Span) -> list[Movement]:
        """Paid orders for their net amount, and refunds; what was free moved nothing."""
        words = {"created_after": span.start.isoformat(), "created_before": span.end.isoformat()}
        orders = [_payment(one) async for one in self._pages("/v1/orders/", words)]
        refunds: list[Movement] = []
        # Refunds have no filter of time. By the default sorting the newest come first: until they are too old.
        async with aclosing(self._pages("/v1/refunds/", {})) as listed:
            async for refund in listed:
                movement, is_failed = _refund(refund)
                if movement.at < span.start:
                    break
                refunds += [] if is_failed else [movement]
        return [one for one in orders if one is not None] + refunds

    def _pages(self, path: str, words: Mapping[str, str]) -> AsyncGenerator[Any, None]:
        async def read(page: str | None) -> tuple[Sequence[Any], str | None]:
            number = page or "1"
            asked = {"limit": str(PAGE_ENTRIES), "page": number, **words}
            answer = await self._send("GET", path, params=asked)
            with readable():
                is_last = int(number) >= answer["pagination"]["max_page"]
                return answer["items"], None if is_last else str(int(number) + 1)

        return every_page(read)


def _payment(order: Mapping[str, Any]) -> Movement | None:
    with readable():
        paid = read_order(order)
        if paid.status is not PurchaseStatus.SUCCESS or not paid.total_minor:
            return None
        return Movement(
            kind=MoneyMovement.PAYMENT,
            id=paid.payment_id or "",
            amount_minor=paid.total_minor,
            currency=paid.currency,
            at=datetime.fromisoformat(order["created_at"]),
            order_id=(None if paid.renews else order["checkout_id"]) or paid.order_id,
            reference=paid.reference,
        )


def _refund(refund: Mapping[str, Any]) -> tuple[Movement, bool]:
    """A refund, and whether it failed."""
    with readable():
        told = read_refund(refund)
        movement = Movement(
            kind=MoneyMovement.REFUND,
            id=told.refund_id,
            amount_minor=told.total_minor,
            currency=told.currency,
            at=datetime.fromisoformat(refund["created_at"]),
            payment_id=refund["order_id"],
            reference=told.reference,
        )
        return movement, told.status is RefundStatus.FAILED
