"""Holds: set aside, spent, given back, and never in the way once they have expired."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from db.reconcile import reconcile
from db.transactions import following
from domain.errors import IdempotencyConflict, InsufficientCredits, InvalidInput, InvalidState, NotFound
from domain.holds import HoldStatus
from services.holds import capture_hold, hold, release_hold, sweep_expired
from services.requests import CaptureRequest, HoldRequest
from services.spending import consume, consume_batch
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from domain.permissions import Actor
    from services.coffer import Coffer


async def figures(coffer: Coffer, actor: Actor, wallet: Wallet) -> tuple[int, int]:
    """Available and reserved credits."""
    row = await get_wallet(coffer, actor, wallet.uuid)
    assert row is not None
    return row.available_credits, row.reserved_credits


async def expired(coffer: Coffer, actor: Actor, wallet: Wallet, credits: int) -> None:
    """A hold of one second that has just expired; no sweeper runs in these tests."""
    await hold(coffer, actor, HoldRequest(wallet.uuid, uuid4().hex, credits, seconds=1))
    await asyncio.sleep(1.05)


async def test_a_final_capture_gives_the_rest_back(coffer: Coffer, database_url: str) -> None:
    """Of 100 set aside 60 are spent and 40 return, as rows HOLD, HOLD_CAPTURE and HOLD_RELEASE."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 150)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 100, seconds=60))).hold
    assert await figures(coffer, actor, wallet) == (50, 100)
    captured = (await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 60, final=True))).hold
    assert (captured.status, captured.captured) == (HoldStatus.CAPTURED, 60)
    assert await figures(coffer, actor, wallet) == (90, 0)
    async with coffer.database.reading() as session:
        rows = await following(session, wallet.id, 1, 10)
    moves = [(row.type.name, row.amount, row.credits) for row in rows]
    assert moves == [("HOLD", 100, -100), ("HOLD_CAPTURE", 60, 0), ("HOLD_RELEASE", 40, 40)]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_hold_can_be_captured_in_parts(coffer: Coffer) -> None:
    """With final false what is left stays set aside until it is captured or released."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 100, seconds=60))).hold
    await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c1", 30, final=False))
    await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c2", 30, final=False))
    with pytest.raises(InvalidInput, match="40 credits are left"):
        await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c3", 41, final=False))
    assert (await release_hold(coffer, actor, held.uuid, "r")).hold.status is HoldStatus.RELEASED
    assert await figures(coffer, actor, wallet) == (40, 0)


async def test_an_expired_hold_never_blocks_a_spend(coffer: Coffer) -> None:
    """Credits of an expired hold are spent at once, one by one and in a batch, although nothing swept it."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await expired(coffer, actor, wallet, 100)
    assert (await consume(coffer, actor, spend_of(wallet.uuid, "STORAGE_1GB"))).wallet.available_credits == 60
    await expired(coffer, actor, wallet, 60)
    results = await consume_batch(coffer, actor, [spend_of(wallet.uuid, "API_EXPORT_DATA") for _ in range(3)])
    assert [result.transaction.credits for result in results] == [-20, -20, -20]  # type: ignore[union-attr]


async def test_the_sweeper_gives_expired_credits_back(coffer: Coffer) -> None:
    """A wallet that nobody touches gets its credits back from the periodic act."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    await expired(coffer, actor, wallet, 70)
    await sweep_expired(coffer)
    assert await figures(coffer, actor, wallet) == (100, 0)


async def test_a_closed_hold_can_not_be_captured(coffer: Coffer) -> None:
    """Expired, released and captured holds refuse a capture; an unknown one is not found."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 10, seconds=60))).hold
    await release_hold(coffer, actor, held.uuid, "r")
    with pytest.raises(InvalidState):
        await capture_hold(coffer, actor, CaptureRequest(held.uuid, "c", 1, final=True))
    with pytest.raises(NotFound):
        await capture_hold(coffer, actor, CaptureRequest(uuid4(), "c", 1, final=True))


async def test_holds_have_keys(coffer: Coffer) -> None:
    """The same key gives the same hold, another amount or time is a conflict, and too much is refused."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    first = await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 60, seconds=60))
    again = await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 60, seconds=60))
    assert (again.hold.uuid, again.wallet.reserved_credits) == (first.hold.uuid, 60)
    for other in ((61, 60), (60, 61)):
        with pytest.raises(IdempotencyConflict):
            await hold(coffer, actor, HoldRequest(wallet.uuid, "h", other[0], seconds=other[1]))
    with pytest.raises(InsufficientCredits):
        await hold(coffer, actor, HoldRequest(wallet.uuid, "more", 41, seconds=60))
