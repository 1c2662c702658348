"""The trial balance, seals, quotes, atomic batches, holds of a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from db import transactions
from db.reconcile import reconcile
from domain.caps import CapMeasure, CapPeriod
from domain.errors import BatchRefused, InsufficientCredits, InvalidInput
from domain.holds import Overflow
from services.caps import set_cap
from services.grants import grant_credits
from services.holds import capture_hold, hold
from services.proof import project_trial_balance, seal_wallets, settle_wallets
from services.quotes import quote_spend
from services.requests import CapRequest, CaptureRequest, GrantRequest, HoldRequest
from services.spending import Spend, consume, consume_batch, consume_together
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from services.coffer import Coffer


async def broken(database_url: str) -> list[str]:
    """The promises that do not hold."""
    return [check["promise"] for check in (await reconcile(database_url))["checks"] if check["violations"]]


async def test_the_trial_balance_is_zero_before_and_after_settlement(coffer: Coffer) -> None:
    """All accounts add up to 0 and the wallets agree with theirs, whether rows are settled yet or not."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await consume(coffer, actor, spend_of(wallet.uuid))
    await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 10))
    for _ in range(2):
        lines = await project_trial_balance(coffer, actor)
        assert (sum(line.balance for line in lines), {line.difference for line in lines}) == (0, {0})
        await settle_wallets(coffer)
        await seal_wallets(coffer)


async def test_a_changed_row_breaks_its_seal(coffer: Coffer, database_url: str) -> None:
    """Whoever changes a sealed row, even with the rights to and with right sums, is found by reconcile."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await consume(coffer, actor, spend_of(wallet.uuid, member="ann"))
    await seal_wallets(coffer)
    await consume(coffer, actor, spend_of(wallet.uuid, member="ann"))
    await seal_wallets(coffer)
    assert await broken(database_url) == []
    admin = await asyncpg.connect(database_url)
    await admin.execute("alter table credit_transaction disable trigger user")
    await admin.execute("update credit_transaction set metadata = '{}' where sequence = 2")
    await admin.close()
    assert await broken(database_url) == ["every seal fits the rows and the seal before it"]


async def test_a_quote_names_lots_caps_and_alerts(coffer: Coffer) -> None:
    """It says what would happen, and nothing happens."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 205)
    await grant_credits(coffer, actor, GrantRequest(wallet.uuid, 5, "r", "g", priority=1))
    cap = CapRequest(wallet.uuid, 40, CapPeriod.DAY, CapMeasure.CREDITS, "c")
    await set_cap(coffer, actor, cap)
    quote = await quote_spend(coffer, actor, wallet.uuid, "AI_SUMMARY", 1)
    assert (quote.accepted, quote.credits, quote.balance_after) == (True, 15, 195)
    assert [part.credits for part in quote.lots] == [5, 10]
    assert [(state.limit, state.used) for state in quote.caps] == [(40, 15)]
    assert (quote.low_balance_alert, quote.rapid_burn_alert) == (True, False)
    after = await get_wallet(coffer, actor, wallet.uuid)
    assert after is not None
    assert (after.available_credits, after.sequence) == (210, 2)


async def test_a_quote_of_a_refused_spend_says_why(coffer: Coffer) -> None:
    """The refusal is the one that the spend would meet."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 10)
    quote = await quote_spend(coffer, actor, wallet.uuid, "AI_SUMMARY", 1)
    assert (quote.accepted, quote.credits, type(quote.error)) == (False, 15, InsufficientCredits)


async def rows_of(coffer: Coffer, wallet: Any) -> int:  # noqa: ANN401
    """How many rows a wallet has."""
    async with coffer.database.reading() as session:
        return len(await transactions.following(session, wallet.id, 0, 2_000))


async def test_an_atomic_batch_is_posted_whole(coffer: Coffer) -> None:
    """Every item is posted, and the same batch again replays every item."""
    actor = await owner_of(coffer)
    wallets = [await wallet_with(coffer, actor, 100) for _ in range(3)]
    spends = [spend_of(wallet.uuid) for wallet in wallets for _ in range(2)]
    for replayed in (False, True):
        results = await consume_together(coffer, actor, spends)
        assert [result.replayed for result in results if isinstance(result, Spend)] == [replayed] * 6


async def test_an_atomic_batch_with_a_refusal_posts_nothing(coffer: Coffer) -> None:
    """The item at fault has its own error, the others say that the batch was refused, and nothing moved."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 40)
    results = await consume_together(coffer, actor, [spend_of(wallet.uuid) for _ in range(3)])
    assert [type(result) for result in results] == [BatchRefused, BatchRefused, InsufficientCredits]
    assert await rows_of(coffer, wallet) == 1


async def test_a_plain_batch_posts_what_it_can(coffer: Coffer) -> None:
    """Without atomic each item stands for itself."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 40)
    results = await consume_batch(coffer, actor, [spend_of(wallet.uuid) for _ in range(3)])
    assert [isinstance(result, Spend) for result in results] == [True, True, False]


async def test_a_hold_of_units_is_captured_item_by_item(coffer: Coffer) -> None:
    """Ten units are set aside at their price, three are captured, the rest goes back; usage is the feature's."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 200)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", feature="AI_SUMMARY", units=10))).hold
    for number in range(3):
        await capture_hold(coffer, actor, CaptureRequest(held.uuid, f"c{number}", units=1, final=number == 2))
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert (found.available_credits, found.reserved_credits, found.lifetime_used_credits) == (155, 0, 45)
    async with coffer.database.reading() as session:
        rows = await transactions.following(session, wallet.id, 2, 3)
    assert [(row.feature, row.units) for row in rows] == [("AI_SUMMARY", 1)] * 3


async def test_a_larger_capture_is_refused_or_takes_what_is_left(coffer: Coffer) -> None:
    """More than the hold has: REJECT refuses, CAP takes what is left."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 200)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 50))).hold
    with pytest.raises(InvalidInput):
        await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 60))
    done = await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 60, overflow=Overflow.CAP))
    assert (done.hold.captured, done.wallet.available_credits) == (50, 150)


async def test_units_of_a_hold_without_a_feature_are_refused(coffer: Coffer) -> None:
    """A hold of plain credits has no price for a unit."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 200)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 50))).hold
    with pytest.raises(InvalidInput):
        await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", units=1))
