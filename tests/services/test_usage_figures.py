"""Remembered figures are never wrong: a change of the ledger makes them anew, and without Redis they are worked out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis import asyncio as redis
from sqlalchemy import event

from domain.analytics import GroupBy
from domain.errors import Busy
from live import figures as figures_module
from live.figures import KEEP_SECONDS, Figures
from runtime.process import open_coffer
from services import usage_figures
from services.spending import consume_batch
from services.usage import UsageQuestion, fold_usage, usage_report
from tests.builders import free_port, owner_of, spend_of, wallet_with
from tests.conftest import fresh_database

if TYPE_CHECKING:
    from domain.permissions import Actor
    from runtime.embedded import Servers
    from runtime.settings import Settings
    from services.coffer import Coffer

PROJECT = UsageQuestion(group_by=[GroupBy.FEATURE])


async def spent(coffer: Coffer, actor: Actor, count: int) -> Any:  # noqa: ANN401 - a wallet
    """A wallet after that many spends of one credit."""
    wallet = await wallet_with(coffer, actor, 1_000)
    await consume_batch(coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(count)])
    return wallet


async def test_an_unchanged_figure_is_remembered(coffer: Coffer) -> None:
    """Asked again, nothing but the version is read."""
    actor = await owner_of(coffer)
    await spent(coffer, actor, 3)
    first = await usage_report(coffer, actor, PROJECT)
    statements: list[str] = []
    engine = coffer.database._engine.sync_engine  # noqa: SLF001 - to count what is sent
    event.listen(engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    assert (await usage_report(coffer, actor, PROJECT), len(statements)) == (first, 1)


async def test_figures_are_exact_while_credits_are_spent(coffer: Coffer) -> None:
    """A report has at least the spends acknowledged before it and at most those begun before its end, folds or not."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 1_000)
    begun = acknowledged = 0

    async def spend() -> None:
        nonlocal begun, acknowledged
        for _ in range(40):
            begun += 1
            await consume_batch(coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST")])
            acknowledged += 1

    async def read(asked: UsageQuestion) -> None:
        while acknowledged < begun or begun < 80:
            least = acknowledged
            report = await usage_report(coffer, actor, asked)
            assert least <= report.credits <= begun
            await asyncio.sleep(0)

    await asyncio.gather(
        spend(), spend(), read(PROJECT), read(replace(PROJECT, wallets=[wallet.uuid])), fold_usage(coffer)
    )
    assert (await usage_report(coffer, actor, PROJECT)).credits == 80


async def test_figures_come_without_redis(coffer: Coffer) -> None:
    """With nothing listening at Redis' address the figures are the same."""
    actor = await owner_of(coffer)
    await spent(coffer, actor, 3)
    away = Figures(f"redis://127.0.0.1:{free_port()}")
    reports = [await usage_report(replace(coffer, figures=away), actor, PROJECT) for _ in range(2)]
    await away.close()
    assert [report.credits for report in reports] == [3, 3]


async def test_databases_that_share_a_redis_share_no_figure(
    coffer: Coffer, servers: Servers, template: str, settings: Settings
) -> None:
    """The same project, wallet and sequence in two databases give each its own figures."""
    async with fresh_database(servers, template) as url, open_coffer(settings, url, servers.redis_url) as other:
        sums = []
        for opened, features in ((coffer, ["API_BASIC_REQUEST"]), (other, ["API_HEAVY_QUERY"])):
            actor = await owner_of(opened)
            wallet = await wallet_with(opened, actor, 100)
            await consume_batch(opened, actor, [spend_of(wallet.uuid, feature) for feature in features])
            sums.append((await usage_report(opened, actor, PROJECT)).credits)
        assert sums == [1, 5]


async def test_remembered_figures_have_a_place_and_an_end(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of questions takes PLACES keys at most, each of which ends, and a large figure takes none."""
    monkeypatch.setattr(figures_module, "PLACES", 2)
    client, figures = redis.Redis.from_url(redis_url), Figures(redis_url)
    if earlier := await client.keys("coffer:figure:*"):
        await client.delete(*earlier)
    for number in range(20):
        await figures.keep(f"question {number}", "1", [number])
    await figures.keep("large", "1", "x" * figures_module.FIGURE_BYTES)
    kept = await client.keys("coffer:figure:*")
    ends = [await client.ttl(key) for key in kept]
    assert len(kept) == 2
    assert all(0 < seconds <= KEEP_SECONDS for seconds in ends)
    assert (await figures.find("question 19", "1"), await figures.find("question 19", "2")) == ([19], None)
    await figures.close()
    await client.aclose()


async def test_a_ledger_that_is_not_summed_up_yet_says_so(coffer: Coffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While more rows wait for the fold than a query should read, the answer is BUSY."""
    actor = await owner_of(coffer)
    await spent(coffer, actor, 3)
    monkeypatch.setattr(usage_figures, "MAX_WAITING_ROWS", 2)
    with pytest.raises(Busy):
        await usage_report(coffer, actor, PROJECT)
