"""Spending credits: the act in front of every action of somebody else's product."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from db import ledger
from db import wallets as wallet_queries
from db.spends import SpendRequest, key_uuid
from domain.errors import BatchRefused, DomainError, InvalidInput, NotFound
from domain.inputs import check_key, check_text, check_units, metadata_text
from domain.ledger import Outcome
from domain.limits import MAX_BATCH_ITEMS
from domain.permissions import Actor, Permission
from services.announcing import announce
from services.outcomes import refusal

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from db.ledger import Posted
    from db.spends import Spent
    from services.coffer import Coffer
    from services.requests import ConsumeRequest

KNOWN_WALLETS: Final = 100_000
"""Wallet ids kept per process; which project a wallet belongs to never changes."""

_known: Final[OrderedDict[UUID, tuple[int, int]]] = OrderedDict()


class Spend(NamedTuple):
    """A posted movement and the wallet after it; `replayed` when the key was known and nothing moved."""

    transaction: Any
    wallet: Any
    replayed: bool


async def consume(coffer: Coffer, actor: Actor, request: ConsumeRequest) -> Spend:
    """Spend a feature's price times its units. Raises the DomainError that says why not."""
    actor.require(Permission.SPEND)
    spent = await coffer.lanes.spend(await _spend_request(coffer, actor, request))
    return _spend(spent, request.metadata)


async def consume_batch(coffer: Coffer, actor: Actor, requests: Sequence[ConsumeRequest]) -> list[Spend | DomainError]:
    """Spend many, each on its own; the answers are in the order of the requests. InvalidInput."""
    actor.require(Permission.SPEND)
    if not 1 <= len(requests) <= MAX_BATCH_ITEMS:
        raise InvalidInput(f"Send 1 to {MAX_BATCH_ITEMS} inputs.", field=["inputs"])

    # All are queued in their order before any answer is awaited, so they reach their lane in that order.
    queued = [await _queued(coffer, actor, request) for request in requests]
    return [await _answered(item, request.metadata) for item, request in zip(queued, requests, strict=True)]


async def consume_together(
    coffer: Coffer, actor: Actor, requests: Sequence[ConsumeRequest]
) -> list[Spend | DomainError]:
    """Spend many, all or none; the answers are in the order of the requests. InvalidInput."""
    actor.require(Permission.SPEND)
    if not 1 <= len(requests) <= MAX_BATCH_ITEMS:
        raise InvalidInput(f"Send 1 to {MAX_BATCH_ITEMS} inputs.", field=["inputs"])
    checked = [await _checked(coffer, actor, request) for request in requests]
    refused = [item if isinstance(item, DomainError) else BatchRefused() for item in checked]
    if any(isinstance(item, DomainError) for item in checked):
        return list(refused)
    spends = [item for item in checked if not isinstance(item, DomainError)]
    async with coffer.database.transaction() as session:
        posted = await ledger.spend_each(session, spends)
        pairs = list(zip(spends, posted, strict=True))
        refusals = [refusal(item.posting, spend.feature, spend.expected_credits) for spend, item in pairs]
        if any(refusals):
            await session.rollback()
            return [error or BatchRefused() for error in refusals]
        return await _told(coffer, session, pairs)


async def _told(
    coffer: Coffer, session: Session, pairs: Sequence[tuple[SpendRequest, Posted]]
) -> list[Spend | DomainError]:
    """Announce each wallet once, and say what became of each spend."""
    wallets = {}
    for spend, item in pairs:
        before = item.posting.posted_sequence - 1
        if spend.wallet_id not in wallets and not item.replayed:
            wallets[spend.wallet_id] = await announce(coffer, session, spend.wallet_id, before)
    return [
        Spend(
            await ledger.row_of(session, spend.wallet_id, item),
            wallets.get(spend.wallet_id) or await wallet_queries.read(session, spend.wallet_id),
            item.replayed,
        )
        for spend, item in pairs
    ]


async def _checked(coffer: Coffer, actor: Actor, request: ConsumeRequest) -> SpendRequest | DomainError:
    try:
        return await _spend_request(coffer, actor, request)
    except DomainError as error:
        return error


async def _queued(coffer: Coffer, actor: Actor, request: ConsumeRequest) -> asyncio.Future[Spent] | DomainError:
    try:
        return coffer.lanes.spend(await _spend_request(coffer, actor, request))
    except DomainError as error:
        return error


async def _answered(
    queued: asyncio.Future[Spent] | DomainError, metadata: Mapping[str, Any] | None
) -> Spend | DomainError:
    if isinstance(queued, DomainError):
        return queued
    try:
        return _spend(await queued, metadata)
    except DomainError as error:
        return error


async def _spend_request(coffer: Coffer, actor: Actor, request: ConsumeRequest) -> SpendRequest:
    check_key(request.idempotency_key)
    check_text(request.feature, "feature")
    check_units(request.units)
    if request.member is not None:
        check_text(request.member, "member")
    key = request.idempotency_key
    return SpendRequest(
        await _wallet_id(coffer, actor, request.wallet),
        key,
        key_uuid(key),
        request.feature,
        request.units,
        request.expected_credits,
        request.member,
        actor.api_key_id,
        metadata_text(request.metadata),
    )


async def _wallet_id(coffer: Coffer, actor: Actor, wallet: UUID | None) -> int:
    """The internal id of a wallet of the actor's project, from memory when it was seen before."""
    known = _known.get(wallet) if wallet else None
    if known is None and wallet is not None:
        async with coffer.database.reading() as session:
            found = await wallet_queries.find(session, actor.project_id, wallet)
        if found is not None:
            known = _known[wallet] = (found.id, found.project_id)
            if len(_known) > KNOWN_WALLETS:
                _known.popitem(last=False)
    if known is None or known[1] != actor.project_id:
        raise NotFound("No such wallet in this project: see `wallets`.", field=["walletId"])
    return known[0]


def _spend(spent: Spent, metadata: Mapping[str, Any] | None) -> Spend:
    request = spent.request
    refused = refusal(spent.posting, request.feature, request.expected_credits)
    if refused is not None:
        raise refused
    return Spend(spent.transaction(metadata), spent.wallet, spent.outcome is Outcome.REPLAYED)
