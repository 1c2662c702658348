"""Cashfree's reconciliation: everything that happened to money in a time; API of 2025-01-01."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.totals import MoneyMovement, Movement
from gateways.calls import readable
from gateways.cashfree_answers import INDIA, paise
from gateways.cashfree_calls import checked
from gateways.movements import every_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.totals import Span
    from gateways.calls import Calls

PAGE_EVENTS: Final = 1000
"""Cashfree's own limit."""

_KINDS: Final = {"PAYMENT": MoneyMovement.PAYMENT, "REFUND": MoneyMovement.REFUND}
_NOTHING_MOVED: Final = frozenset({"FAILED", "CANCELLED"})


class CashfreeMovements:
    """Movements over the connection of Cashfree's payments."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list_movements(self, span: Span) -> list[Movement]:
        """Payments and refunds among the events of a time; disputes, settlements and adjustments are left out."""
        filters = {"start_date": _said(span.start), "end_date": _said(span.end)}

        async def read(cursor: str | None) -> tuple[Sequence[Any], str | None]:
            pagination = {"limit": PAGE_EVENTS} | ({"cursor": cursor} if cursor else {})
            body = orjson.dumps({"pagination": pagination, "filters": filters})
            answer = checked(await self._calls.send("POST", "/recon", content=body))
            with readable():
                events = answer.get("data") or []
                return events, (answer.get("cursor") or None) if len(events) == PAGE_EVENTS else None

        return [one async for event in every_page(read) if (one := _read(event)) is not None]


def _read(told: Mapping[str, Any]) -> Movement | None:
    with readable():
        event = _flat(told)
        kind = _KINDS.get(event["event_type"])
        if kind is None or event["event_status"] in _NOTHING_MOVED:
            return None
        paid, amount = kind is MoneyMovement.PAYMENT, paise(event["event_amount"])
        if paid and event.get("order_amount"):
            # A surcharge of the bank may be on top of our amount.
            amount = min(amount, paise(event["order_amount"]))
        payment = event.get("cf_payment_id")
        return Movement(
            kind=kind,
            id=str((payment if paid else None) or event["event_id"]),
            amount_minor=amount,
            currency=event.get("event_currency") or "INR",
            at=_time(event["event_time"]),
            order_id=event.get("order_id") or None,
            payment_id=str(payment) if payment else None,
            reference="" if paid else str(event.get("refund_id") or ""),
        )


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event in one place: newer answers have them below `event_details`, `order_details` and so on."""
    parts = [part for part in told.values() if isinstance(part, dict)]
    return {name: value for part in (told, *parts) for name, value in part.items()}


def _said(at: datetime) -> str:
    """As the description's example has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    """A time of an answer, which is India's where it has no zone."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=INDIA)
