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
from services.caps import CapState, states
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from db.ledger import Posted
    from db.models.ledger import Wallet
    from domain.errors import DomainError
    from services.coffer import Coffer


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a spend would cost (credits) and leave; `error` is the refusal that it would meet."""

    feature: str
    credits: int
    available_credits: int
    balance_after: int
    error: DomainError | None

    @property
    def accepted(self) -> bool:
        """Whether the spend would be posted."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class SpendQuote(Estimate):
    """What a spend would cost, use up, leave and set off."""

    lots: Sequence[Any] = ()
    caps: Sequence[CapState] = ()
    low_balance_alert: bool = False
    rapid_burn_alert: bool = False


async def estimate(coffer: Coffer, actor: Actor, wallet: UUID | None, feature: str, units: int) -> Estimate:
    """What a spend would answer now: the spend itself, rolled back. NotFound, InvalidInput."""
    async with coffer.database.rehearsal() as session:
        found, posted = await _rehearse(session, actor, wallet, feature, units)
    return Estimate(*_outcome(found, posted, feature))


async def quote_spend(
    coffer: Coffer, actor: Actor, wallet: UUID | None, feature: str, units: int, member: str | None = None
) -> SpendQuote:
    """What a spend would do now, through the spend itself. NotFound, InvalidInput."""
    async with coffer.database.rehearsal() as session:
        found, posted = await _rehearse(session, actor, wallet, feature, units, member)
        answer = _outcome(found, posted, feature)
        if answer[-1] is not None:
            return SpendQuote(*answer)
        await proof.settle_lots(session, found.id)
        return SpendQuote(
            *answer,
            await proof.allocations(session, found.id, posted.posting.posted_sequence),
            await states(session, await cap_queries.of_wallet(session, found.id)),
            *await alerts.raised_by(session, found.id, posted.posting.posted_sequence),
        )


async def _rehearse(
    session: Session, actor: Actor, wallet: UUID | None, feature: str, units: int, member: str | None = None
) -> tuple[Wallet, Posted]:
    actor.require(Permission.READ)
    check_text(feature, "feature")
    check_units(units)
    if member is not None:
        check_text(member, "member")
    found = await require_wallet(session, actor, wallet)
    key = str(uuid4())
    request = SpendRequest(found.id, key, key_uuid(key), feature, units, None, member, actor.api_key_id, None)
    return found, await ledger.rehearse_spend(session, request)


def _outcome(found: Wallet, posted: Posted, feature: str) -> tuple[str, int, int, int, DomainError | None]:
    """The values of an Estimate."""
    p, refused = posted.posting, refusal(posted.posting, feature, None)
    # A cap's refusal has the cap's limit in the place of what the spend would take.
    limited = posted.outcome in {Outcome.DAILY_CAP_REACHED, Outcome.CAP_REACHED}
    price = p.amount if limited or refused is None else p.required_credits
    before = found.available_credits if p.balance_before is None else p.balance_before
    return feature, price or 0, before, before if refused else p.balance_after, refused
