"""Spends against the real engine: right answers, under concurrency and on replay."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from db.reconcile import reconcile
from db.transactions import following
from domain.errors import (
    DailyCapReached,
    DomainError,
    IdempotencyConflict,
    InsufficientCredits,
    InvalidInput,
    NotFound,
    PricingMatrixMismatch,
    UnknownFeature,
)
from domain.pricing import Price, UsageCategory
from services.pricing import list_prices, publish_prices
from services.quotes import estimate
from services.requests import GrantRequest
from services.spending import consume, consume_batch
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from domain.permissions import Actor
    from services.coffer import Coffer


async def balance(coffer: Coffer, actor: Actor, wallet: Wallet) -> int:
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    return found.available_credits


async def test_500_concurrent_spends_take_what_is_there_and_no_more(coffer: Coffer, database_url: str) -> None:
    """Of 500 concurrent spends of 15 against 1,000 credits exactly 66 succeed, and the chain has no gap."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    results = await consume_batch(coffer, actor, [spend_of(wallet.uuid) for _ in range(500)])
    refused = [result for result in results if isinstance(result, DomainError)]
    assert len(results) - len(refused) == 66
    assert {type(error) for error in refused} == {InsufficientCredits}
    assert await balance(coffer, actor, wallet) == 10
    async with coffer.database.reading() as session:
        rows = await following(session, wallet.id, 0, 1_000)
    assert [row.sequence for row in rows] == list(range(1, 68))
    assert all(after.balance_before == before.balance_after for before, after in pairwise(rows))
    assert (await reconcile(database_url))["violations"] == 0


async def test_every_caller_of_a_batch_gets_its_own_answer(coffer: Coffer) -> None:
    """In one batch of good, unknown, too dear, mismatched and repeated spends each gets its own result, in order."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    spends = [
        spend_of(wallet.uuid, "AI_SEARCH", "a"),
        spend_of(wallet.uuid, "NO_SUCH"),
        spend_of(wallet.uuid, "STORAGE_1GB", units=50),
        spend_of(wallet.uuid, "AI_SEARCH", expected_credits=11),
        spend_of(wallet.uuid, "AI_SEARCH", "a"),
        spend_of(wallet.uuid, "AI_SUMMARY", "a"),
        spend_of(uuid4()),
        spend_of(wallet.uuid, "AI_MODERATION", member="ana", metadata={"model": "x"}),
    ]
    results = await consume_batch(coffer, actor, spends)
    kinds = [type(result).__name__ for result in results]
    assert kinds == [
        "Spend",
        UnknownFeature.__name__,
        InsufficientCredits.__name__,
        PricingMatrixMismatch.__name__,
        "Spend",
        IdempotencyConflict.__name__,
        NotFound.__name__,
        "Spend",
    ]
    assert [results[0].replayed, results[4].replayed] == [False, True]  # type: ignore[union-attr]
    assert await balance(coffer, actor, wallet) == 100 - 12 - 5


async def test_a_key_posts_once_however_often_it_is_sent_at_once(coffer: Coffer) -> None:
    """Fifty concurrent sends of one key move the credits once and all get the same transaction."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    results = await consume_batch(coffer, actor, [spend_of(wallet.uuid, key="same")] * 50)
    assert {result.transaction.sequence for result in results} == {2}  # type: ignore[union-attr]
    assert sum(not result.replayed for result in results) == 1  # type: ignore[union-attr]
    assert await balance(coffer, actor, wallet) == 985


async def test_a_refusal_is_not_remembered(coffer: Coffer) -> None:
    """A spend refused for lack of credits succeeds with the same key after a top-up."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    spend = spend_of(wallet.uuid)
    with pytest.raises(InsufficientCredits) as refused:
        await consume(coffer, actor, spend)
    assert (refused.value.available_credits, refused.value.required_credits) == (5, 15)
    from services.grants import grant_credits  # noqa: PLC0415 - one use

    await grant_credits(coffer, actor, GrantRequest(wallet.uuid, 10, "top-up", "t"))
    assert (await consume(coffer, actor, spend)).wallet.available_credits == 0


async def test_a_replay_gives_the_first_result_after_the_price_changed(coffer: Coffer) -> None:
    """A retry with the same key is answered with what was charged then, not with the price of now."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    spend = spend_of(wallet.uuid, expected_credits=15)
    first = await consume(coffer, actor, spend)
    await publish_prices(coffer, actor, [Price("AI_SUMMARY", UsageCategory.AI, 20)], "dearer")
    again = await consume(coffer, actor, spend)
    assert (again.replayed, again.transaction.balance_after) == (True, first.transaction.balance_after)
    assert (await consume(coffer, actor, spend_of(wallet.uuid))).transaction.credits == -20
    assert [(price.feature, price.credits) for price in await list_prices(coffer, actor)] == [("AI_SUMMARY", 20)]


async def test_the_daily_cap_counts_units_and_says_when_it_ends(coffer: Coffer) -> None:
    """200 AI units a day pass, the next one is refused with the cap and the coming midnight (UTC)."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100_000)
    await consume(coffer, actor, spend_of(wallet.uuid, "AI_MODERATION", units=150))
    await consume_batch(coffer, actor, [spend_of(wallet.uuid, "AI_MODERATION") for _ in range(50)])
    with pytest.raises(DailyCapReached) as refused:
        await consume(coffer, actor, spend_of(wallet.uuid, "AI_SEARCH"))
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time.min, UTC)
    assert (refused.value.category, refused.value.limit) == (UsageCategory.AI, 200)
    assert refused.value.resets_at == midnight
    assert (await consume(coffer, actor, spend_of(wallet.uuid, "API_HEAVY_QUERY"))).replayed is False


async def test_a_batch_fills_a_cap_to_the_last_unit(coffer: Coffer) -> None:
    """Of 230 concurrent AI spends exactly 200 pass."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100_000)
    results = await consume_batch(coffer, actor, [spend_of(wallet.uuid, "AI_MODERATION") for _ in range(230)])
    assert sum(isinstance(result, DailyCapReached) for result in results) == 30


async def test_community_features_go_on_at_any_balance(coffer: Coffer) -> None:
    """A community feature that costs more than is there takes what is there and is never refused."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5)
    first = await consume(coffer, actor, spend_of(wallet.uuid, "UPLOAD_BANNER"))
    second = await consume(coffer, actor, spend_of(wallet.uuid, "UPLOAD_BANNER"))
    assert (first.transaction.credits, second.transaction.credits) == (-5, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "k" * 256}, "idempotencyKey"),
        ({"key": "nul\x00"}, "idempotencyKey"),
        ({"key": "half \ud800"}, "idempotencyKey"),
        ({"units": 0}, "quantity"),
        ({"units": 1_000_001}, "quantity"),
        ({"member": ""}, "member"),
        ({"metadata": {"text": "x" * 5_000}}, "metadata"),
        ({"metadata": {"nul": "\x00"}}, "metadata"),
        ({"metadata": {"number": float("nan")}}, "metadata"),
        ({"metadata": {"number": 1e31}}, "metadata"),
        ({"metadata": {"numbers": [1, -(2**63) - 1]}}, "metadata"),
    ],
)
async def test_bad_input_names_its_field(coffer: Coffer, change: dict[str, object], field: str) -> None:
    """A value outside its bounds is refused before it reaches the lanes, with the name of its field."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    with pytest.raises(InvalidInput) as refused:
        await consume(coffer, actor, spend_of(wallet.uuid, **change))  # type: ignore[arg-type]
    assert refused.value.field == [field]


async def test_an_estimate_answers_as_the_spend_would_and_moves_nothing(coffer: Coffer) -> None:
    """An estimate names price, balance after and refusal, and the ledger stays as it was."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 20)
    good = await estimate(coffer, actor, wallet.uuid, "AI_SUMMARY", 1)
    poor = await estimate(coffer, actor, wallet.uuid, "AI_SUMMARY", 2)
    assert (good.credits, good.balance_after, good.accepted) == (15, 5, True)
    assert (poor.credits, poor.balance_after, type(poor.error)) == (30, 20, InsufficientCredits)
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert (found.available_credits, found.sequence) == (20, 1)


async def test_a_cancelled_caller_does_not_undo_the_spend_of_others(coffer: Coffer) -> None:
    """Callers that go away in mid-batch leave every other caller its answer."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 10_000)
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST"))
    tasks = [
        asyncio.create_task(consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST"))) for _ in range(100)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 50
