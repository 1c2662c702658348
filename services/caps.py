"""Caps: limits on what a wallet, a member, an API key, a feature or a category may spend in a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from db import caps as queries
from db import moves
from db import projects as key_queries
from db.models.controls import Cap
from domain.caps import MAX_CAPS, MAX_WINDOW_SECONDS, MIN_WINDOW_SECONDS, CapMeasure, CapPeriod
from domain.errors import InvalidInput, InvalidState, NotFound
from domain.inputs import check_text
from domain.limits import MAX_CREDITS
from domain.permissions import Actor, Permission
from domain.pricing import UsageCategory
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from services.coffer import Coffer
    from services.requests import CapRequest


@dataclass(frozen=True, slots=True)
class CapState:
    """A cap and what counts against it now, in its measure."""

    uuid: UUID
    name: str
    limit: int
    used: int
    measure: CapMeasure
    period: CapPeriod
    window_seconds: int | None
    member: str | None
    feature: str | None
    category: UsageCategory | None


async def set_cap(coffer: Coffer, actor: Actor, request: CapRequest) -> CapState:
    """Add a cap to a wallet; it counts from now on. NotFound, InvalidInput, InvalidState when there are too many."""
    actor.require(Permission.MANAGE_WALLETS)
    _check(request)
    async with coffer.database.transaction() as session:
        wallet = await require_wallet(session, actor, request.wallet)
        if await queries.count(session, wallet.id) >= MAX_CAPS:
            raise InvalidState(f"A wallet has at most {MAX_CAPS} caps: remove one first.")
        cap = Cap(uuid=uuid4(), wallet_id=wallet.id, limit_amount=request.limit, name=request.name)
        cap.window_seconds, cap.measure, cap.period = request.window_seconds, request.measure, request.period
        cap.member, cap.feature, cap.category = request.member, request.feature, request.category
        cap.api_key_id = await _api_key(session, actor, request.api_key)
        session.add(cap)
        await session.flush()
        await moves.set_capped(session, wallet.id)
    return _state(cap, 0)


async def remove_cap(coffer: Coffer, actor: Actor, wallet: UUID | None, cap: UUID | None) -> UUID:
    """Remove a cap of a wallet and forget what it counted; gives its id. NotFound."""
    actor.require(Permission.MANAGE_WALLETS)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        row = cap and await queries.find(session, cap)
        if not row or row.wallet_id != found.id:
            raise NotFound("No such cap of this wallet: see its `caps`.", field=["capId"])
        await queries.remove(session, row)
        await moves.set_capped(session, found.id)
        return row.uuid


async def list_caps(coffer: Coffer, actor: Actor, wallet: UUID | None) -> list[CapState]:
    """The caps of a wallet, and what counts against each now. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return await states(session, await queries.of_wallet(session, found.id))


async def states(session: Session, caps: Sequence[Cap]) -> list[CapState]:
    """The caps with what counts against each now."""
    used = await queries.used(session, caps)
    return [_state(cap, used[cap.id]) for cap in caps]


def _state(cap: Cap, used: int) -> CapState:
    category = None if cap.category is None else UsageCategory(cap.category)
    kind = (cap.measure, cap.period, cap.window_seconds)
    return CapState(cap.uuid, cap.name, cap.limit_amount, used, *kind, cap.member, cap.feature, category)


async def _api_key(session: Session, actor: Actor, uuid: UUID | None) -> int | None:
    if uuid is None:
        return None
    key = await key_queries.find_key(session, actor.project_id, uuid)
    if key is None:
        raise NotFound("No such API key in this project: see `apiKeys`.", field=["apiKeyId"])
    return key.id


def _check(request: CapRequest) -> None:
    if not 0 <= request.limit <= MAX_CREDITS:
        raise InvalidInput(f"limit is 0 to {MAX_CREDITS}.", field=["limit"])
    check_text(request.name, "name")
    for value, field in ((request.member, "member"), (request.feature, "feature")):
        if value is not None:
            check_text(value, field)
    sliding = request.period is CapPeriod.SLIDING
    if sliding != (request.window_seconds is not None):
        raise InvalidInput("windowSeconds goes with the period SLIDING, and only with it.", field=["windowSeconds"])
    if request.window_seconds and not MIN_WINDOW_SECONDS <= request.window_seconds <= MAX_WINDOW_SECONDS:
        limits = f"{MIN_WINDOW_SECONDS} to {MAX_WINDOW_SECONDS}"
        raise InvalidInput(f"windowSeconds is {limits}.", field=["windowSeconds"])
