"""Transfers, gifts, payouts, frozen wallets, clawbacks and debts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

from db import moves
from db.reconcile import reconcile
from domain.errors import IdempotencyConflict, InsufficientCredits, InvalidInput, InvalidState, NotFound, WalletFrozen
from domain.gifts import GiftStatus
from domain.holds import HoldStatus
from domain.ledger import ROUTES, SYSTEM_KEY, Account, TransactionSource, TransactionType
from domain.lots import LotSource
from domain.pages import Page
from services.gifts import claim_gift, revoke_gift, send_gift, sweep_gifts
from services.grants import grant_credits, post
from services.holds import complete_payout, hold, hold_payout, release_hold, release_payout
from services.moves import freeze_wallet, transfer_credits, unfreeze_wallet
from services.proof import list_lots, project_trial_balance
from services.requests import GiftRequest, GrantRequest, HoldRequest
from services.spending import consume
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.permissions import Actor
    from services.coffer import Coffer


@pytest.fixture(autouse=True)
async def right_books(coffer: Coffer, database_url: str) -> AsyncIterator[None]:
    """Whatever a test did, every promise of the ledger holds after it."""
    assert coffer
    yield
    report = await reconcile(database_url)
    assert [check["promise"] for check in report["checks"] if check["violations"]] == []


async def available(coffer: Coffer, actor: Actor, wallet: Any) -> int:  # noqa: ANN401
    """The wallet's available credits now."""
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    return found.available_credits


async def test_a_transfer_moves_credits_with_their_ends(coffer: Coffer) -> None:
    """The taker gets a lot for each kind that paid, with the same source, priority and end."""
    actor = await owner_of(coffer)
    giver, taker = await wallet_with(coffer, actor, 50), await wallet_with(coffer, actor, 0)
    end = datetime.now(UTC) + timedelta(days=3)
    terms = {"source": LotSource.PROMOTIONAL, "priority": 3, "expires_at": end}
    await grant_credits(coffer, actor, GrantRequest(giver.uuid, 20, "r", "g", **terms))  # type: ignore[arg-type]
    done = await transfer_credits(coffer, actor, (giver.uuid, taker.uuid), 30, "r", "t")
    assert (done.wallet.available_credits, done.to_wallet.available_credits) == (40, 30)
    lots = await list_lots(coffer, actor, taker.uuid, Page(10, None))
    assert [(lot.source, lot.priority, lot.expires_at, lot.credits) for lot in lots] == [
        (LotSource.BONUS, 50, None, 10),
        (LotSource.PROMOTIONAL, 3, end, 20),
    ]


async def test_a_transfer_has_a_key(coffer: Coffer) -> None:
    """The same transfer again moves nothing; another one with its key conflicts."""
    actor = await owner_of(coffer)
    giver, taker = await wallet_with(coffer, actor, 50), await wallet_with(coffer, actor, 0)
    wallets = (giver.uuid, taker.uuid)
    await transfer_credits(coffer, actor, wallets, 30, "r", "t")
    assert (await transfer_credits(coffer, actor, wallets, 30, "r", "t")).replayed
    with pytest.raises(IdempotencyConflict):
        await transfer_credits(coffer, actor, wallets, 10, "r", "t")
    assert (await available(coffer, actor, giver), await available(coffer, actor, taker)) == (20, 30)


async def test_impossible_transfers_are_refused(coffer: Coffer) -> None:
    """To itself, to another project's wallet, or more than is there."""
    actor, stranger = await owner_of(coffer), await owner_of(coffer, "other")
    wallet, foreign = await wallet_with(coffer, actor, 50), await wallet_with(coffer, stranger, 0)
    other = await wallet_with(coffer, actor, 0)
    with pytest.raises(InvalidInput):
        await transfer_credits(coffer, actor, (wallet.uuid, wallet.uuid), 1, "r", "t1")
    with pytest.raises(NotFound):
        await transfer_credits(coffer, actor, (wallet.uuid, foreign.uuid), 1, "r", "t2")
    with pytest.raises(InsufficientCredits):
        await transfer_credits(coffer, actor, (wallet.uuid, other.uuid), 51, "r", "t3")


async def test_a_gift_is_claimed_once(coffer: Coffer) -> None:
    """It leaves the giver at once and reaches the claimer; claiming again changes nothing, another wallet can't."""
    actor = await owner_of(coffer)
    giver, taker, late = [await wallet_with(coffer, actor, credits) for credits in (50, 0, 0)]
    gift = (await send_gift(coffer, actor, GiftRequest(giver.uuid, 20, "g", message="For you"))).gift
    assert (await available(coffer, actor, giver), gift.message, gift.status) == (30, "For you", GiftStatus.PENDING)
    for _ in range(2):
        result = await claim_gift(coffer, actor, gift.uuid, taker.uuid)
        assert (result.gift.status, result.wallet.available_credits) == (GiftStatus.CLAIMED, 20)
    with pytest.raises(InvalidState):
        await claim_gift(coffer, actor, gift.uuid, late.uuid)
    with pytest.raises(InvalidState):
        await revoke_gift(coffer, actor, gift.uuid)


async def test_a_gift_for_one_wallet_is_not_found_by_another(coffer: Coffer) -> None:
    """Only the wallet that it names can claim it."""
    actor = await owner_of(coffer)
    giver, taker, other = [await wallet_with(coffer, actor, credits) for credits in (50, 0, 0)]
    gift = (await send_gift(coffer, actor, GiftRequest(giver.uuid, 20, "g", to=taker.uuid))).gift
    with pytest.raises(NotFound):
        await claim_gift(coffer, actor, gift.uuid, other.uuid)
    assert (await claim_gift(coffer, actor, gift.uuid, taker.uuid)).wallet.available_credits == 20


async def test_a_revoked_gift_goes_back(coffer: Coffer) -> None:
    """The giver has the credits again and nobody can claim them."""
    actor = await owner_of(coffer)
    giver, taker = await wallet_with(coffer, actor, 50), await wallet_with(coffer, actor, 0)
    gift = (await send_gift(coffer, actor, GiftRequest(giver.uuid, 20, "g"))).gift
    assert (await revoke_gift(coffer, actor, gift.uuid)).wallet.available_credits == 50
    with pytest.raises(InvalidState):
        await claim_gift(coffer, actor, gift.uuid, taker.uuid)


async def test_a_gift_that_nobody_claims_goes_back(coffer: Coffer, database_url: str) -> None:
    """After its end it can't be claimed, and the sweep returns it to the giver."""
    actor = await owner_of(coffer)
    giver, taker = await wallet_with(coffer, actor, 50), await wallet_with(coffer, actor, 0)
    gift = (await send_gift(coffer, actor, GiftRequest(giver.uuid, 20, "g"))).gift
    admin = await asyncpg.connect(database_url)
    await admin.execute("update gift set expires_at = now()")
    await admin.close()
    with pytest.raises(InvalidState):
        await claim_gift(coffer, actor, gift.uuid, taker.uuid)
    await sweep_gifts(coffer)
    assert await available(coffer, actor, giver) == 50


async def test_a_payout_locks_until_it_is_paid(coffer: Coffer) -> None:
    """Locked credits can't be spent; when paid they leave the wallet to the account of payouts."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 50)
    held = await hold_payout(coffer, actor, wallet.uuid, 30, "earnings", "p")
    assert (held.wallet.available_credits, held.wallet.locked_credits) == (20, 30)
    paid = await complete_payout(coffer, actor, held.hold.uuid, "c")
    assert (paid.hold.status, paid.wallet.locked_credits) == (HoldStatus.CAPTURED, 0)
    balances = {line.account: line.balance for line in await project_trial_balance(coffer, actor)}
    assert balances[Account.PAYOUTS] == 30


async def test_a_released_payout_is_there_again(coffer: Coffer) -> None:
    """Its credits are available again; it can't be paid any more, and a hold's acts do not find it."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 50)
    held = await hold_payout(coffer, actor, wallet.uuid, 30, "earnings", "p")
    with pytest.raises(NotFound):
        await release_hold(coffer, actor, held.hold.uuid, "r0")
    assert (await release_payout(coffer, actor, held.hold.uuid, "r")).wallet.available_credits == 50
    with pytest.raises(InvalidState):
        await complete_payout(coffer, actor, held.hold.uuid, "c")


async def test_nothing_leaves_a_frozen_wallet(coffer: Coffer) -> None:
    """Spends, holds, transfers, gifts and payouts are refused with WALLET_FROZEN until it is unfrozen."""
    actor = await owner_of(coffer)
    wallet, other = await wallet_with(coffer, actor, 50), await wallet_with(coffer, actor, 0)
    frozen = await freeze_wallet(coffer, actor, wallet.uuid, "under review")
    assert (frozen.frozen, frozen.frozen_reason) == (True, "under review")
    acts = (
        lambda: consume(coffer, actor, spend_of(wallet.uuid)),
        lambda: hold(coffer, actor, HoldRequest(wallet.uuid, "h", 1)),
        lambda: transfer_credits(coffer, actor, (wallet.uuid, other.uuid), 1, "r", "t"),
        lambda: send_gift(coffer, actor, GiftRequest(wallet.uuid, 1, "g")),
        lambda: hold_payout(coffer, actor, wallet.uuid, 1, "r", "p"),
    )
    for act in acts:
        with pytest.raises(WalletFrozen):
            await act()
    await unfreeze_wallet(coffer, actor, wallet.uuid)
    for act in acts:
        await act()


async def claw(coffer: Coffer, wallet: Any, credits: int) -> int:  # noqa: ANN401
    """Refund credits; how many became a debt."""
    words = {"wallet_id": wallet.id, "amount": credits, "key": uuid4().hex, "source_id": "pur_1"}
    async with coffer.database.transaction() as session:
        return int((await moves.claw_back(session, words)).posting.required_credits)


async def buy(coffer: Coffer, wallet: Any, credits: int) -> int:  # noqa: ANN401
    """Buy credits; what is available after it."""
    kind, name = TransactionType.CREDIT_PURCHASE, uuid4().hex
    movement = (wallet, kind, TransactionSource.PURCHASE, ROUTES[kind], credits, name, SYSTEM_KEY, name)
    async with coffer.database.transaction() as session:
        from db.ledger import Movement  # noqa: PLC0415 - the only use

        return int((await post(coffer, session, Movement(*movement))).wallet.available_credits)


async def test_spent_credits_that_are_refunded_become_a_debt(coffer: Coffer) -> None:
    """What is there is taken, never more; the next purchases pay the rest first."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 30)
    assert await claw(coffer, wallet, 100) == 70
    assert await available(coffer, actor, wallet) == 0
    assert await buy(coffer, wallet, 50) == 0
    assert await buy(coffer, wallet, 50) == 30
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert found.debt_credits == 0


async def test_an_undone_refund_cancels_its_debt_first(coffer: Coffer) -> None:
    """When the provider refuses, the debt goes and what had been taken comes back."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 30)
    await claw(coffer, wallet, 100)
    words = {"wallet_id": wallet.id, "amount": 100, "shortfall": 70, "key": "u", "source_id": "pur_1"}
    async with coffer.database.transaction() as session:
        await moves.undo_claw_back(session, words)
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert (found.available_credits, found.debt_credits) == (30, 0)
