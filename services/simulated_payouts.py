"""Payouts at the simulated provider: accounts, and money sent to them that arrives, fails or comes back.

The account decides, as in Cashfree's sandbox: see OUTCOMES; every other one is paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from db import simulated as queries
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.inputs import check_text
from domain.jobs import Queue
from domain.limits import MAX_AMOUNT_MINOR
from domain.purchases import CURRENCY
from services.jobs import enqueue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from db.models.payouts import SimulatedTransfer
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

OUTCOMES: Final = {
    "026291800001190": ("failed",),
    "testfailure@gocash": ("failed",),
    "02014457596969": ("sent", "reversed"),
}
"""What becomes of a transfer to an account, step by step."""

_REASONS: Final = {
    "failed": "The bank does not know this account.",
    "reversed": "The bank sent the money back.",
}


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """Money that a merchant sends, in minor units; the reference is the merchant's own id of it."""

    reference: str
    beneficiary: str
    amount_minor: int
    currency: str


async def create_beneficiary(coffer: Coffer, reference: str, name: str, account: str) -> None:
    """Keep an account; the same reference keeps the first. InvalidInput."""
    for field, value in (("reference", reference), ("name", name), ("account", account)):
        check_text(value, field)
    async with coffer.database.transaction() as session:
        await queries.add_beneficiary(session, {"id": reference, "name": name, "account": account})


async def send(coffer: Coffer, wanted: NewTransfer, delay_ms: int) -> SimulatedTransfer:
    """Take in a transfer, which is decided after the delay; or find the one with this reference.

    NotFound, InvalidInput; InvalidState when the reference is that of another transfer.
    """
    check_text(wanted.reference, "reference")
    if wanted.currency != CURRENCY or not 1 <= wanted.amount_minor <= MAX_AMOUNT_MINOR:
        raise InvalidInput(f"Send 1 to {MAX_AMOUNT_MINOR} minor units of {CURRENCY}.")
    async with coffer.database.transaction() as session:
        account = await queries.beneficiary(session, wanted.beneficiary)
        if account is None:
            raise NotFound("No such beneficiary.")
        values = {"id": wanted.reference, "beneficiary": account.id, "amount_minor": wanted.amount_minor}
        values |= {"currency": wanted.currency, "status": "pending"}
        row, created = await queries.add_transfer(session, values)
        if (row.amount_minor, row.beneficiary) != (wanted.amount_minor, account.id):
            raise InvalidState("This reference is that of another transfer.")
        if created:
            await _plan(coffer, session, row, list(OUTCOMES.get(account.account, ("sent",))), delay_ms)
    return row


async def read(coffer: Coffer, reference: str) -> SimulatedTransfer:
    """Find a transfer. NotFound."""
    async with coffer.database.reading() as session:
        row = await queries.transfer(session, reference)
    if row is None:
        raise NotFound("No such transfer.")
    return row


async def split(coffer: Coffer, order_id: str, amount_minor: int) -> None:
    """Give vendors part of a paid order; nothing of it is kept. NotFound, InvalidState, InvalidInput."""
    async with coffer.database.reading() as session:
        order = await queries.get(session, order_id)
    if order is None:
        raise NotFound("No such order.")
    if order.status != "paid":
        raise InvalidState(f"This order is {order.status}: only a paid one can be split.")
    if not 1 <= amount_minor <= order.amount_minor:
        raise InvalidInput(f"Split 1 to {order.amount_minor}.")


async def settle(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `simulated.transfer`: take the next step of a transfer and tell the merchant."""

    async def effect(session: Session) -> None:
        row = await queries.lock_transfer(session, payload["transfer"])
        steps, delay_ms = payload["steps"], payload["delay_ms"]
        if row is None:
            return
        row.status, row.failure_reason, row.updated_at = steps[0], _REASONS.get(steps[0]), coffer.clock()
        data = {"order_id": row.id, "reference": row.id, "status": row.status}
        body = {"type": f"transfer.{row.status}", "timestamp": row.updated_at.isoformat(), "data": data}
        work = {"id": f"msg_{uuid4().hex}", "body": body}
        await enqueue(coffer, session, (Queue.WEBHOOK_PROCESSING, "simulated.deliver", work))
        if steps[1:]:
            await _plan(coffer, session, row, steps[1:], delay_ms)

    return effect


HANDLERS: Final[dict[str, Handler]] = {"simulated.transfer": settle}


async def _plan(coffer: Coffer, session: Session, row: SimulatedTransfer, steps: list[str], delay_ms: int) -> None:
    payload = {"transfer": row.id, "steps": steps, "delay_ms": delay_ms}
    work = (Queue.SETTLEMENTS_PROCESSING, "simulated.transfer", payload)
    await enqueue(coffer, session, work, delay_seconds=delay_ms / 1000)
