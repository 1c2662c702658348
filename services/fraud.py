"""Looking at purchases before the payment, and deciding on those that were stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import structlog
from prometheus_client import Counter

from db import fraud as queries
from domain.errors import InvalidState, NotFound, PaymentBlocked
from domain.fraud import Client, Facts, FraudDecision, findings, is_blocked, score
from domain.inputs import check_text
from domain.jobs import Queue
from domain.limits import MAX_REASON_CHARACTERS
from domain.permissions import Actor, Permission
from services.jobs import enqueue, nothing
from services.wallets import narrow_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.fraud import FraudEvent
    from db.models.ledger import Wallet
    from domain.pages import Page
    from services.coffer import Coffer
    from services.jobs import Effect
    from services.requests import PurchaseRequest

NOBODY: Final = Client()
"""Where a purchase comes from that Coffer itself begins."""

_log: Final = structlog.get_logger()
_looked_at: Final = Counter("coffer_fraud_checks_total", "Purchases that were looked at.", ["result"])


async def screen(
    coffer: Coffer, session: Session, wallet: Wallet, request: PurchaseRequest, amount_minor: int
) -> PaymentBlocked | None:
    """Look at a purchase that is about to begin, and note what was found; the refusal, once committed, is raised.

    What was approved goes on, and what was stopped before under the same key stays so.
    """
    known = await queries.by_key(session, wallet.id, request.idempotency_key)
    if known is None:
        known = await _look(coffer, session, wallet, request, amount_minor)
    # An approval is of the amount that was looked at.
    is_approved = known.decision is FraudDecision.APPROVED and known.amount_minor == amount_minor
    if is_approved or known.decision is FraudDecision.ALLOWED:
        return None
    return PaymentBlocked(known.uuid, known.points)


async def list_events(
    coffer: Coffer, actor: Actor, decision: FraudDecision | None, wallet: UUID | None, page: Page
) -> Sequence[FraudEvent]:
    """Purchases with a signal, newest first, with one decision or of one wallet if named. NotFound."""
    actor.require(Permission.REVIEW_FRAUD)
    async with coffer.database.reading() as session:
        only = await narrow_to(session, actor, wallet)
        return await queries.newest(session, actor.project_id, decision, only, page)


async def review(
    coffer: Coffer, actor: Actor, event: UUID | None, decision: FraudDecision, note: str | None
) -> FraudEvent:
    """Approve or reject a purchase that was stopped; the last word counts. NotFound, InvalidState."""
    actor.require(Permission.REVIEW_FRAUD)
    if note is not None:
        check_text(note, "note", MAX_REASON_CHARACTERS)
    async with coffer.database.transaction() as session:
        row = event and await queries.lock(session, actor.project_id, event)
        if not row:
            raise NotFound("No such event in this project: see `fraudEvents`.", field=["id"])
        if row.decision is FraudDecision.ALLOWED:
            raise InvalidState("This purchase was not stopped: nothing is to be decided.", field=["id"])
        row.decision, row.note = decision, note
        row.reviewed_at, row.reviewed_by = coffer.clock(), actor.api_key_id
        await _tell(coffer, session, row)
    return row


async def handle_event(_coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `fraud.event`: a purchase was stopped, or decided on; what else is to be told of it hangs on this."""
    _log.info("fraud.event", id=payload["fraud_event"], decision=payload["decision"])
    return nothing


async def _look(
    coffer: Coffer, session: Session, wallet: Wallet, request: PurchaseRequest, amount_minor: int
) -> FraudEvent:
    client = request.client or NOBODY
    texts = (request.idempotency_key, request.pack_code, request.gateway, client.device, client.agent)
    counted = await queries.counts(session, wallet, client.device, coffer.clock())
    # The purchase that is about to begin counts too.
    counted["recent_purchases"] += 1
    facts = Facts(amount_minor, [text for text in texts if text], client.country, client.home_country, **counted)
    found = findings(facts)
    decision = FraudDecision.REVIEW if is_blocked(found) else FraudDecision.ALLOWED
    about = {
        "amount_minor": amount_minor,
        "points": score(found),
        "signals": {str(int(finding.signal)): finding.points for finding in found},
        "decision": decision,
        "created_at": coffer.clock(),
    }
    await queries.add(session, _who(wallet, request) | about)
    row = await queries.by_key(session, wallet.id, request.idempotency_key)
    assert row is not None  # noqa: S101 - it was just written, by us or by a twin
    _looked_at.labels(decision.name.lower()).inc()
    if decision is FraudDecision.REVIEW:
        await _tell(coffer, session, row)
    return row


def _who(wallet: Wallet, request: PurchaseRequest) -> dict[str, Any]:
    client = request.client or NOBODY
    return {
        "uuid": uuid4(),
        "project_id": wallet.project_id,
        "wallet_id": wallet.id,
        "wallet_uuid": wallet.uuid,
        "idempotency_key": request.idempotency_key,
        "address": client.address,
        "country": client.country,
        "device": client.device,
        "agent": client.agent,
    }


async def _tell(coffer: Coffer, session: Session, row: FraudEvent) -> None:
    payload = {"fraud_event": row.uuid.hex, "decision": row.decision.name.lower(), "project_id": row.project_id}
    await enqueue(coffer, session, (Queue.FRAUD_DETECTION, "fraud.event", payload))
