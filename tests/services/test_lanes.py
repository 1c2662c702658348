"""The lanes when things go wrong: full queues, poison, a lost connection, a stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db import lanes as lanes_module
from db.lanes import Lanes
from db.spends import SpendRequest, key_uuid
from domain.errors import Busy
from domain.ledger import Outcome
from domain.pricing import Price, UsageCategory
from services.pricing import publish_prices
from services.requests import WalletSettings
from services.wallets import get_wallet, update_wallet
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from db.spends import Spent
    from services.coffer import Coffer


def request(wallet_id: int, key: str, feature: str = "API_BASIC_REQUEST") -> SpendRequest:
    return SpendRequest(wallet_id, key, key_uuid(key), feature, 1, None, None, None, None)


async def test_a_full_queue_says_busy(coffer: Coffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a caller is told to come back at once, and those before it are answered."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    monkeypatch.setattr(lanes_module, "QUEUE_REQUESTS", 5)
    accepted = [coffer.lanes.spend(request(wallet.id, f"k{number}")) for number in range(5)]
    with pytest.raises(Busy):
        coffer.lanes.spend(request(wallet.id, "one too many"))
    assert {spent.outcome for spent in await asyncio.gather(*accepted)} == {Outcome.POSTED}


async def test_a_poison_request_does_not_take_its_neighbours_down(coffer: Coffer) -> None:
    """A value that the database can't store fails alone; the rest of its batch is posted."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    requests = [
        request(wallet.id, f"k{number}", "NUL\x00" if number == 3 else "API_BASIC_REQUEST") for number in range(9)
    ]
    results = await asyncio.gather(*map(coffer.lanes.spend, requests), return_exceptions=True)
    faults = [result for result in results if isinstance(result, BaseException)]
    assert ([type(fault) for fault in faults], len(results)) == ([asyncpg.CharacterNotInRepertoireError], 9)


async def test_a_batch_is_sent_again_when_its_connection_is_lost(coffer: Coffer, database_url: str) -> None:
    """Connections cut in the middle of a load: every caller gets an answer and every spend is there once."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 10_000)
    admin = await asyncpg.connect(database_url)
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'coffer lane'"
    results: list[Spent] = []
    for round_number in range(8):
        waiting = [coffer.lanes.spend(request(wallet.id, f"r{round_number}-{number}")) for number in range(200)]
        await asyncio.sleep(0.001 * round_number)
        await admin.execute(cut + " and datname = current_database()")
        results += await asyncio.gather(*waiting)
    await admin.close()
    assert {result.outcome for result in results} <= {Outcome.POSTED, Outcome.REPLAYED}
    found = await get_wallet(coffer, actor, wallet.uuid)
    assert found is not None
    assert (found.available_credits, found.sequence) == (10_000 - 1_600, 1_601)


async def test_a_stop_answers_what_is_waiting(coffer: Coffer, database_url: str) -> None:
    """Closing the lanes posts everything that was queued, then refuses more."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 5_000)
    lanes = Lanes(database_url, lambda _batch: None)
    await lanes.connect()
    waiting = [lanes.spend(request(wallet.id, f"k{number}")) for number in range(3_000)]
    await lanes.close()
    assert {(await future).outcome for future in waiting} == {Outcome.POSTED}
    with pytest.raises(Busy):
        lanes.spend(request(wallet.id, "late"))


async def test_an_idle_lane_has_no_statement_open(coffer: Coffer, database_url: str) -> None:
    """A lane that waits for its first spend is idle for the server, so no statement timeout can cut it."""
    assert coffer.lanes
    admin = await asyncpg.connect(database_url)
    states = "select distinct state from pg_stat_activity where application_name = 'coffer lane'"
    found = [row["state"] for row in await admin.fetch(states + " and datname = current_database()")]
    await admin.close()
    assert found == ["idle"]


async def test_a_batch_with_known_keys_replays_them_and_posts_the_rest(coffer: Coffer) -> None:
    """Keys that were posted before, sent again among new ones, get their first results; the new ones are posted."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    first = await asyncio.gather(*(coffer.lanes.spend(request(wallet.id, f"k{number}")) for number in range(50)))
    again = await asyncio.gather(*(coffer.lanes.spend(request(wallet.id, f"k{number}")) for number in range(100)))
    assert [spent.outcome for spent in again] == [Outcome.REPLAYED] * 50 + [Outcome.POSTED] * 50
    assert [spent.posting.posted_sequence for spent in again[:50]] == [item.posting.posted_sequence for item in first]


async def test_a_batch_answers_with_settings_changed_by_another_process(coffer: Coffer) -> None:
    """A wallet in a batch's answer has the threshold that was set since the process last saw the wallet."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    for threshold in (300, 400):
        await update_wallet(coffer, actor, wallet.uuid, WalletSettings(threshold))
        spends = (coffer.lanes.spend(request(wallet.id, f"{threshold}-{number}")) for number in range(10))
        assert {spent.wallet.low_balance_threshold for spent in await asyncio.gather(*spends)} == {threshold}


async def test_a_huge_charge_keeps_its_place_in_a_batch(coffer: Coffer) -> None:
    """What comes after a charge beyond 32 bits is posted after it, as it arrived."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 3_000_000_010)
    await publish_prices(coffer, actor, [Price("API_BASIC_REQUEST", UsageCategory.API, 1_000_000_000)], None)
    huge = request(wallet.id, "huge")._replace(units=3)
    results = await asyncio.gather(*map(coffer.lanes.spend, [huge, request(wallet.id, "late")]))
    assert [spent.outcome for spent in results] == [Outcome.POSTED, Outcome.INSUFFICIENT_CREDITS]
