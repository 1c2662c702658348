"""Stripe's lists of charges and refunds, as movements of money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from domain.refunds import RefundStatus
from domain.totals import MoneyMovement, Movement
from gateways.movements import every_page
from gateways.stripe_answers import read_refund, reference_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from stripe import Charge, Refund, StripeClient

    from domain.totals import Span

    Read = Callable[[Any], Awaitable[Any]]

PAGE_ENTRIES: Final = 100
"""Stripe's own limit."""


class StripeMovements:
    """Movements by Stripe's client; `call` bounds a call and puts its errors in our words."""

    def __init__(self, client: StripeClient, call: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._client = client
        self._call = call

    async def list_movements(self, span: Span) -> list[Movement]:
        """Charges that were captured, by their intents, and refunds that have not failed."""
        created = {"gte": int(span.start.timestamp()), "lt": int(span.end.timestamp())}
        charges = await self._list(self._client.v1.charges.list_async, created)
        refunds = await self._list(self._client.v1.refunds.list_async, created)
        async with self._call():
            paid = [_payment(one) for one in charges if one.paid and one.captured]
            return paid + [_refund(one) for one in refunds if read_refund(one).status is not RefundStatus.FAILED]

    async def _list(self, read: Read, created: dict[str, int]) -> list[Any]:
        async def page(after: str | None) -> tuple[Sequence[Any], str | None]:
            words = {"created": created, "limit": PAGE_ENTRIES} | ({"starting_after": after} if after else {})
            async with self._call():
                answer = await read(words)
                return answer.data, answer.data[-1].id if answer.has_more else None

        return [one async for one in every_page(page)]


def _payment(charge: Charge) -> Movement:
    intent = _intent(charge)
    return Movement(
        kind=MoneyMovement.PAYMENT,
        id=intent or charge.id,
        amount_minor=charge.amount_captured,
        currency=charge.currency.upper(),
        at=datetime.fromtimestamp(charge.created, UTC),
        order_id=intent,
        reference=reference_of(charge.metadata),
    )


def _refund(refund: Refund) -> Movement:
    told = read_refund(refund)
    return Movement(
        kind=MoneyMovement.REFUND,
        id=told.refund_id,
        amount_minor=told.total_minor,
        currency=told.currency,
        at=datetime.fromtimestamp(refund.created, UTC),
        payment_id=_intent(refund),
        reference=told.reference,
    )


def _intent(row: Charge | Refund) -> str | None:
    intent = row.payment_intent
    return intent if intent is None or isinstance(intent, str) else intent.id
