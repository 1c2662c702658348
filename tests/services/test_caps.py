"""Caps of wallets, and alerts of rapid burn."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

from domain.caps import CapMeasure, CapPeriod
from domain.errors import CapReached, DomainError, InvalidInput
from domain.pages import Page
from domain.pricing import UsageCategory
from services.caps import list_caps, remove_cap, set_cap
from services.holds import hold, release_hold
from services.proof import list_burn_alerts
from services.quotes import estimate
from services.requests import CapRequest, HoldRequest, WalletSettings
from services.spending import consume, consume_batch
from services.wallets import update_wallet
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from db.models.controls import BurnAlert
    from services.coffer import Coffer

PAGE = Page(50, None)
CREDITS_A_DAY: dict[str, Any] = {"period": CapPeriod.DAY, "measure": CapMeasure.CREDITS, "name": "c"}


async def capped(coffer: Coffer, limit: int, **terms: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """An owner, a wallet of 1,000 credits and a cap on it."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    return actor, wallet, await set_cap(coffer, actor, CapRequest(wallet.uuid, limit, **(CREDITS_A_DAY | terms)))


async def test_a_cap_says_which_what_is_left_and_until_when(coffer: Coffer) -> None:
    """A spend beyond the cap is refused with its id, its limit, what is left and the end of the day."""
    actor, wallet, state = await capped(coffer, 20)
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=15))
    with pytest.raises(CapReached) as refused:
        await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=6))
    error = refused.value
    assert (error.cap, error.limit, error.left) == (state.uuid, 20, 5)
    assert (error.resets_at.hour, error.resets_at.minute) == (0, 0)


@pytest.mark.parametrize(
    ("terms", "counted", "free"),
    [
        ({"member": "ann"}, {"member": "ann"}, {"member": "bob"}),
        ({"feature": "API_BASIC_REQUEST"}, {}, {"feature": "PUSH_NOTIFICATION"}),
        ({"category": UsageCategory.API}, {}, {"feature": "PUSH_NOTIFICATION"}),
    ],
    ids=["member", "feature", "category"],
)
async def test_a_cap_counts_only_what_it_names(
    coffer: Coffer, terms: dict[str, Any], counted: dict[str, Any], free: dict[str, Any]
) -> None:
    """A cap of a member, feature or category refuses spends that match and lets the others pass."""
    actor, wallet, _ = await capped(coffer, 3, **terms)
    match = spend_of(wallet.uuid, "API_BASIC_REQUEST", units=3, **counted)
    await consume(coffer, actor, match)
    other = replace(match, idempotency_key=uuid4().hex, **free)
    await consume(coffer, actor, other)
    with pytest.raises(CapReached):
        await consume(coffer, actor, replace(match, idempotency_key=uuid4().hex, units=1))


@pytest.mark.parametrize("measure", [CapMeasure.CREDITS, CapMeasure.UNITS])
async def test_a_capped_estimate_names_the_price(coffer: Coffer, measure: CapMeasure) -> None:
    """What a spend would cost does not depend on the cap that refuses it, nor on what that cap counts."""
    actor, wallet, _ = await capped(coffer, 1, measure=measure)
    refused = await estimate(coffer, actor, wallet.uuid, "AI_SUMMARY", 2)
    assert (refused.credits, refused.balance_after, type(refused.error)) == (30, 1_000, CapReached)


async def test_a_cap_of_an_api_key_counts_that_key_alone(coffer: Coffer) -> None:
    """The same wallet spends on with another key."""
    first, second = await owner_of(coffer), await owner_of(coffer)
    wallet = await wallet_with(coffer, first, 100)
    async with coffer.database.reading() as session:
        from db.projects import keys  # noqa: PLC0415 - the only use

        uuid = next(
            key.uuid for key in await keys(session, first.project_id, Page(10, None)) if key.id == first.api_key_id
        )
    await set_cap(coffer, first, CapRequest(wallet.uuid, 0, **CREDITS_A_DAY, api_key=uuid))
    await consume(coffer, second, spend_of(wallet.uuid, "API_BASIC_REQUEST"))
    with pytest.raises(CapReached):
        await consume(coffer, first, spend_of(wallet.uuid, "API_BASIC_REQUEST"))


async def test_a_cap_holds_under_concurrency(coffer: Coffer) -> None:
    """Of 200 spends at once exactly as many pass as the cap allows, in batches as well."""
    actor, wallet, _ = await capped(coffer, 50, measure=CapMeasure.UNITS)
    spends = [consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST")) for _ in range(100)]
    together = consume_batch(coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(100)])
    *alone, batch = await asyncio.gather(*spends, together, return_exceptions=True)
    results = [*alone, *batch]  # type: ignore[misc]
    refused = [result for result in results if isinstance(result, DomainError)]
    assert (len(results) - len(refused), {type(error) for error in refused}) == (50, {CapReached})


async def test_a_sliding_cap_forgets_what_left_its_window(coffer: Coffer, database_url: str) -> None:
    """Spends older than the window no longer count; those within it do."""
    actor, wallet, state = await capped(coffer, 10, period=CapPeriod.SLIDING, window_seconds=600)
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=10))
    admin = await asyncpg.connect(database_url)
    await admin.execute("update cap_usage set bucket = bucket - interval '595 s'")
    with pytest.raises(CapReached):
        await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST"))
    await admin.execute("update cap_usage set bucket = bucket - interval '20 s'")
    await admin.close()
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=10))
    assert [found.used for found in await list_caps(coffer, actor, wallet.uuid)] == [10]
    assert state.used == 0


async def test_a_hold_counts_and_its_release_takes_that_back(coffer: Coffer) -> None:
    """A hold can't pass a cap, and what is released counts no more."""
    actor, wallet, _ = await capped(coffer, 20)
    held = (await hold(coffer, actor, HoldRequest(wallet.uuid, "h", 20))).hold
    with pytest.raises(CapReached):
        await hold(coffer, actor, HoldRequest(wallet.uuid, "h2", 1))
    await release_hold(coffer, actor, held.uuid, "r")
    await hold(coffer, actor, HoldRequest(wallet.uuid, "h3", 20))


async def test_a_removed_cap_refuses_nothing(coffer: Coffer) -> None:
    """After its removal spends pass again."""
    actor, wallet, state = await capped(coffer, 0)
    await remove_cap(coffer, actor, wallet.uuid, state.uuid)
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST"))


@pytest.mark.parametrize(
    "terms",
    [{"limit": -1}, {"period": CapPeriod.SLIDING}, {"window_seconds": 600}, {"name": ""}, {"member": ""}],
    ids=",".join,
)
async def test_impossible_caps_are_refused(coffer: Coffer, terms: dict[str, Any]) -> None:
    """A negative limit, a sliding cap without a window, a window of a daily cap, empty words."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    words = CREDITS_A_DAY | {"limit": 1} | terms
    with pytest.raises(InvalidInput):
        await set_cap(coffer, actor, CapRequest(wallet.uuid, **words))


async def burns(coffer: Coffer, actor: Any) -> list[BurnAlert]:  # noqa: ANN401
    """The project's alerts, oldest first."""
    return list(reversed(await list_burn_alerts(coffer, actor, PAGE)))


async def test_rapid_burn_is_raised_once_an_episode(coffer: Coffer, database_url: str) -> None:
    """One alert when the sum of 24 h passes the limit, none while it stays above, one more after it had been below."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 50_000)
    for _ in range(20):
        await consume(coffer, actor, spend_of(wallet.uuid, "STORAGE_1GB", units=10))
    first = await burns(coffer, actor)
    assert [(alert.sequence, alert.spent_credits) for alert in first] == [(14, 5_200)]
    # A day passes: rows can't be changed by anybody but the owner of the tables, who puts the trigger aside.
    admin = await asyncpg.connect(database_url)
    await admin.execute("alter table credit_transaction disable trigger user")
    await admin.execute("update credit_transaction set created_at = created_at - interval '25 hours'")
    await admin.execute("alter table credit_transaction enable trigger user")
    await admin.execute("update wallet set burn_quiet_until = burn_quiet_until - interval '25 hours'")
    await admin.close()
    spends = [spend_of(wallet.uuid, "STORAGE_1GB", units=10) for _ in range(20)]
    await consume_batch(coffer, actor, spends)
    assert [alert.sequence for alert in await burns(coffer, actor)] == [14, 34]


async def test_a_wallet_without_a_burn_limit_raises_nothing(coffer: Coffer) -> None:
    """With the limit set to never no alert is raised; with a low one the next spend raises it."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 50_000)
    await update_wallet(coffer, actor, wallet.uuid, WalletSettings(change_burn_limit=True))
    await consume(coffer, actor, spend_of(wallet.uuid, "STORAGE_1GB", units=200))
    assert await burns(coffer, actor) == []
    await update_wallet(coffer, actor, wallet.uuid, WalletSettings(burn_limit=100, change_burn_limit=True))
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST"))
    assert [alert.limit_credits for alert in await burns(coffer, actor)] == [100]
