"""Lots: the order in which they are used, their beginnings and ends, and which paid for what."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from db.reconcile import reconcile
from domain.errors import IdempotencyConflict, InsufficientCredits, InvalidInput
from domain.ledger import TransactionType
from domain.lots import LotSource
from domain.pages import Page
from services.grants import grant_credits
from services.holds import capture_hold, hold, release_hold
from services.proof import allocations, explain_balance, list_lots
from services.requests import CaptureRequest, GrantRequest, HoldRequest
from services.spending import consume, consume_batch
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer

SOON_SECONDS = 0.4


def soon(seconds: float = SOON_SECONDS) -> datetime:
    """An end that a test can wait for."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def until(moment: datetime) -> None:
    """Wait for a moment by the clock of this machine, which is the database's too."""
    await asyncio.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0) + 0.001)


async def give(coffer: Coffer, actor: Actor, wallet: Any, credits: int, **terms: Any) -> Any:  # noqa: ANN401
    """A lot with terms."""
    return await grant_credits(coffer, actor, GrantRequest(wallet.uuid, credits, "r", uuid4().hex, **terms))


async def spend(coffer: Coffer, actor: Actor, wallet: Any, credits: int) -> Any:  # noqa: ANN401
    """A spend of so many credits."""
    return await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=credits))


async def test_lots_are_used_by_priority_then_end_then_age(coffer: Coffer, database_url: str) -> None:
    """Lower priority first, then what ends earlier, then what is older; each spend says which lots paid."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    day = timedelta(days=1)
    await give(coffer, actor, wallet, 10)
    await give(coffer, actor, wallet, 10)
    await give(coffer, actor, wallet, 10, expires_at=soon() + 2 * day)
    await give(coffer, actor, wallet, 10, expires_at=soon() + day)
    await give(coffer, actor, wallet, 10, priority=7)
    paid = []
    for credits in (15, 20, 10):
        sequence = (await spend(coffer, actor, wallet, credits)).transaction.sequence
        parts = await allocations(coffer, actor, wallet.uuid, sequence)
        paid.append([(part.lot_sequence, part.credits) for part in parts])
    assert paid == [[(5, 10), (4, 5)], [(4, 5), (3, 10), (1, 5)], [(1, 5), (2, 5)]]
    assert (await reconcile(database_url))["violations"] == 0


async def test_credits_can_not_be_spent_after_their_end(coffer: Coffer, database_url: str) -> None:
    """One millisecond after its end a lot is gone, although no job ran; the row that took it is an EXPIRY."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    end = soon()
    await give(coffer, actor, wallet, 20, expires_at=end)
    await spend(coffer, actor, wallet, 8)
    await until(end)
    with pytest.raises(InsufficientCredits) as refused:
        await spend(coffer, actor, wallet, 6)
    assert refused.value.available_credits == 5
    explained = await explain_balance(coffer, actor, wallet.uuid, None)
    totals = {total.type: total.credits for total in explained.totals}
    assert totals[TransactionType.EXPIRY] == -12
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_batch_can_not_spend_what_has_ended(coffer: Coffer) -> None:
    """The fast path of a full lane looks at ends as well."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    end = soon()
    await give(coffer, actor, wallet, 100, expires_at=end)
    await until(end)
    spends = [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(20)]
    results = await consume_batch(coffer, actor, spends)
    assert [isinstance(result, InsufficientCredits) for result in results] == [False] * 5 + [True] * 15


async def test_the_balance_that_is_shown_has_no_ended_credits(coffer: Coffer) -> None:
    """A wallet that nobody touched is read without what has ended."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    end = soon()
    await give(coffer, actor, wallet, 20, expires_at=end)
    await until(end)
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert found.available_credits == 5


async def test_a_lot_that_begins_later_is_pending_until_then(coffer: Coffer, database_url: str) -> None:
    """Its credits wait in the pending bucket, and can be spent from its beginning on without a job."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    begin = soon()
    after = (await give(coffer, actor, wallet, 30, effective_at=begin, source=LotSource.SUBSCRIPTION)).wallet
    assert (after.available_credits, after.pending_credits) == (0, 30)
    await until(begin)
    after = (await spend(coffer, actor, wallet, 30)).wallet
    assert (after.available_credits, after.pending_credits) == (0, 0)
    assert (await reconcile(database_url))["violations"] == 0


async def test_what_a_hold_gives_back_ends_with_its_lot(coffer: Coffer, database_url: str) -> None:
    """A hold keeps credits over their lot's end and may capture them; what is released ends at once."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    end = soon()
    await give(coffer, actor, wallet, 20, expires_at=end)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 20, seconds=60))).hold
    await until(end)
    await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 12, final=False))
    after = (await release_hold(coffer, actor, held.uuid, "r")).wallet
    assert (after.available_credits, after.reserved_credits) == (5, 0)
    lots = await list_lots(coffer, actor, wallet.uuid, Page(10, None))
    assert [lot.remaining for lot in lots] == [0, 5]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_grant_with_other_terms_is_another_grant(coffer: Coffer) -> None:
    """The same key with another end conflicts; with the same end it replays, even after it began."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    begin, end = soon(), soon(3_600)
    request = GrantRequest(wallet.uuid, 10, "r", "k", effective_at=begin, expires_at=end)
    await grant_credits(coffer, actor, request)
    await until(begin)
    assert (await grant_credits(coffer, actor, request)).replayed
    with pytest.raises(IdempotencyConflict):
        await grant_credits(coffer, actor, GrantRequest(wallet.uuid, 10, "r", "k", effective_at=begin))


@pytest.mark.parametrize(
    "terms",
    [
        {"priority": -1},
        {"priority": 1_001},
        {"source": LotSource.PURCHASED},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"effective_at": datetime(2090, 1, 2, tzinfo=UTC), "expires_at": datetime(2090, 1, 1, tzinfo=UTC)},
    ],
    ids=",".join,
)
async def test_impossible_terms_are_refused(coffer: Coffer, terms: dict[str, Any]) -> None:
    """A priority out of bounds, bought credits by grant, an end in the past or before the beginning."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    with pytest.raises(InvalidInput):
        await give(coffer, actor, wallet, 10, **terms)


async def test_a_balance_is_explained_at_any_time(coffer: Coffer) -> None:
    """At an earlier instant the balance, its movements by kind and its lots are those of then; the parts add up."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await spend(coffer, actor, wallet, 30)
    then = datetime.now(UTC)
    await spend(coffer, actor, wallet, 50)
    await give(coffer, actor, wallet, 5)
    explained = await explain_balance(coffer, actor, wallet.uuid, then)
    assert (explained.balance, explained.sequence) == (70, 2)
    assert sum(total.credits for total in explained.totals) == 70
    assert [lot.remaining_then for lot in explained.lots] == [70]


async def test_nothing_was_there_before_the_first_row(coffer: Coffer) -> None:
    """Before the wallet's first movement the balance is 0 and nothing makes it up."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    explained = await explain_balance(coffer, actor, wallet.uuid, datetime(2020, 1, 1, tzinfo=UTC))
    assert (explained.balance, list(explained.totals), list(explained.lots)) == (0, [], [])
