"""Quotes: all that a spend would do, by doing it and rolling it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from db import alerts, ledger, proof
from db import caps as cap_queries
from db.spends import SpendRequest, key_uuid
from domain.inputs import check_text, check_units
from domain.ledger import Outcome
from domain.permissions import Actor, Permission
from services.caps import CapState
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.errors import DomainError
    from services.coffer import Coffer


@dataclass(frozen=True, slots=True)
class SpendQuote:
    """What a spend would cost (credits), use up, leave and set off; `error` is the refusal that it would meet."""

    feature: str
    credits: int
    available_credits: int
    balance_after: int
    error: DomainError | None
    lots: Sequence[Any] = ()
    caps: Sequence[CapState] = ()
    low_balance_alert: bool = False
    rapid_burn_alert: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the spend would be posted."""
        return self.error is None


async def quote_spend(
    coffer: Coffer, actor: Actor, wallet: UUID | None, feature: str, units: int, member: str | None = None
) -> SpendQuote:
    """What a spend would do now, through the spend itself. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    check_text(feature, "feature")
    check_units(units)
    if member is not None:
        check_text(member, "member")
    key = str(uuid4())
    async with coffer.database.rehearsal() as session:
        found = await require_wallet(session, actor, wallet)
        request = SpendRequest(found.id, key, key_uuid(key), feature, units, None, member, actor.api_key_id, None)
        await ledger.settle(session, found.id)
        posted = await ledger.rehearse_spend(session, request)
        p = posted.posting
        refused = refusal(p, feature, None)
        if refused is not None:
            limited = posted.outcome in {Outcome.DAILY_CAP_REACHED, Outcome.CAP_REACHED}
            price = p.amount if limited else p.required_credits
            available = found.available_credits
            return SpendQuote(feature, price or 0, available, available, refused)
        await proof.settle_lots(session, found.id)
        caps = await cap_queries.of_wallet(session, found.id)
        used = await cap_queries.used(session, caps)
        return SpendQuote(
            feature,
            p.amount,
            p.balance_before,
            p.balance_after,
            None,
            await proof.allocations(session, found.id, p.posted_sequence),
            [CapState(cap, used[cap.id]) for cap in caps],
            *await alerts.raised_by(session, found.id, p.posted_sequence),
        )
