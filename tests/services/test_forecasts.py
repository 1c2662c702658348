"""Forecasts made by the job, on a real database and by a real child process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from domain.errors import AccessDenied, InvalidInput, NotFound
from domain.pages import Page
from domain.permissions import Role
from domain.pricing import UsageCategory
from runtime.forecaster import fit_models
from services.forecasts import (
    BLOCK_WALLETS,
    STARTED_BLOCKS,
    forecast_accuracy,
    handlers,
    plan_forecasts,
    usage_forecast,
)
from services.grants import grant_credits
from services.jobs import run_job
from services.requests import GrantRequest
from services.runways import list_runway_alerts, set_runway_alert, watch_runways
from services.spending import consume
from tests.builders import owner_of, spend_of, wallet_with
from tests.history import book
from tests.services.job_steps import claim

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from db.models.forecasts import RunwayAlert
    from db.models.ledger import Wallet
    from domain.forecasts import UsageModel
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock

DAY = 86_400


def past(coffer: Coffer, credits: list[int]) -> dict[date, int]:
    """Those credits on the days up to yesterday."""
    today = coffer.clock().date()
    return {today - timedelta(days=ago): credit for ago, credit in enumerate(reversed(credits), 1)}


async def make_forecasts(coffer: Coffer) -> int:
    """Plan, and do what was planned and what that asks for; how many jobs it was."""
    await plan_forecasts(coffer)
    done = 0
    while jobs := await claim(coffer):
        for job in jobs:
            await run_job(coffer, handlers(fit_models), job)
        done += len(jobs)
    return done


async def alerts_of(coffer: Coffer, actor: Actor, wallet: Wallet) -> list[RunwayAlert]:
    await watch_runways(coffer)
    return list(await list_runway_alerts(coffer, actor, wallet.uuid, Page(10, None)))


async def test_the_worker_forecasts_a_wallet_and_its_categories(
    coffer: Coffer, actor: Actor, database_url: str
) -> None:
    """Usage of two categories gives forecasts of the wallet and of each, from their own first days."""
    wallet = await wallet_with(coffer, actor, 100_000)
    await book(database_url, wallet, past(coffer, [100] * 80))
    await book(database_url, wallet, past(coffer, [1_000 + 10 * day for day in range(60)]), UsageCategory.STORAGE)
    assert await make_forecasts(coffer) == 1
    words = (coffer, actor, wallet.uuid, 90)
    whole, api, storage, ai = [
        await usage_forecast(*words, category)
        for category in (None, UsageCategory.API, UsageCategory.STORAGE, UsageCategory.AI)
    ]
    today = coffer.clock().date()
    assert [(found.model, found.made_on) for found in (whole, api, storage)] == [("BLENDED_SMOOTHING", today)] * 3
    assert (api.history_from, api.history_to) == (today - timedelta(days=80), today - timedelta(days=1))
    assert api.next_month_credits == pytest.approx(3_000, rel=0.01)
    assert storage.next_month_credits == pytest.approx(sum(1_610 + 10 * day for day in range(30)), rel=0.05)
    assert whole.next_month_credits > storage.next_month_credits
    assert (len(whole.points), ai.next_month_credits, ai.model) == (90, 0, "INSUFFICIENT_HISTORY")


async def test_a_wallet_is_forecast_once_a_day(timed: Coffer, clock: Clock, actor: Actor, database_url: str) -> None:
    """Planning again asks for nothing until the next day; unused and free wallets never come back the same day."""
    used, free = [await wallet_with(timed, actor, 0) for _ in range(2)]
    await wallet_with(timed, actor, 0)
    await book(database_url, used, past(timed, [5] * 20))
    await book(database_url, free, past(timed, [0] * 20))
    assert [await make_forecasts(timed), await make_forecasts(timed)] == [1, 0]
    clock.move(DAY)
    assert await make_forecasts(timed) == 1


async def test_a_waiting_block_is_not_asked_for_twice(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """Planning twice before the worker comes leaves one job."""
    await book(database_url, await wallet_with(coffer, actor, 0), past(coffer, [5] * 20))
    await plan_forecasts(coffer)
    await plan_forecasts(coffer)
    assert len(await claim(coffer)) == 1


async def test_forecasts_never_fill_the_queue(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """However many wallets are due, a few blocks are begun, and these ask for the rest one by one."""
    blocks = STARTED_BLOCKS + 2
    wallets = [await wallet_with(coffer, actor, 0) for _ in range(blocks * BLOCK_WALLETS)]
    for wallet in wallets[:: BLOCK_WALLETS - 1]:
        await book(database_url, wallet, past(coffer, [5] * 20))
    await plan_forecasts(coffer)
    begun = await claim(coffer)
    assert len(begun) == STARTED_BLOCKS
    for job in begun:
        await run_job(coffer, handlers(fit_models), job)
    assert await make_forecasts(coffer) >= blocks - STARTED_BLOCKS
    assert await make_forecasts(coffer) == 0


async def test_old_forecasts_are_forgotten(timed: Coffer, clock: Clock, actor: Actor, database_url: str) -> None:
    """Of forecasts made every third day over five weeks, the first of each month and the newest stay."""
    wallet = await wallet_with(timed, actor, 0)
    await book(database_url, wallet, past(timed, [5] * 20))
    made = []
    for _ in range(12):
        made.append(timed.clock().date())
        await make_forecasts(timed)
        clock.move(3 * DAY)
    connection = await asyncpg.connect(database_url)
    kept = await connection.fetch("select distinct made_on from usage_forecast where category = 0 order by 1")
    await connection.close()
    firsts = {min(day for day in made if day.month == month) for month in {day.month for day in made}}
    assert [row[0] for row in kept] == sorted(firsts | {made[-1]})


async def test_last_month_is_compared_with_what_happened(
    timed: Coffer, clock: Clock, actor: Actor, database_url: str
) -> None:
    """The forecast made on the first of a month is shown a month later beside the usage of that month."""
    wallet = await wallet_with(timed, actor, 0)
    first = (timed.clock().date().replace(day=1) + timedelta(days=31)).replace(day=1)
    clock.move(DAY * (first - timed.clock().date()).days)
    await book(database_url, wallet, past(timed, [100] * 50))
    await make_forecasts(timed)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    happened = {first + timedelta(days=index): 110 for index in range((last - first).days + 1)}
    await book(database_url, wallet, happened)
    clock.move(DAY * len(happened))
    found = await forecast_accuracy(timed, actor, wallet.uuid, None, None)
    assert found is not None
    assert (found.from_day, found.to_day, found.actual) == (first, last, 110 * len(happened))
    assert found.expected == pytest.approx(100 * len(happened), rel=0.01)
    assert await forecast_accuracy(timed, actor, wallet.uuid, UsageCategory.AI, None) is None


async def test_a_stale_forecast_is_not_shown(timed: Coffer, clock: Clock, actor: Actor, database_url: str) -> None:
    """When no worker came for more than a week, the answer is the plain forecast of recent days."""
    wallet = await wallet_with(timed, actor, 0)
    await book(database_url, wallet, past(timed, [100] * 50))
    await make_forecasts(timed)
    models = []
    for _ in range(2):
        clock.move(7 * DAY)
        models.append((await usage_forecast(timed, actor, wallet.uuid, 30, None)).model)
    assert models == ["BLENDED_SMOOTHING", "WEEKDAY_MEAN"]


async def test_the_first_spend_gives_a_run_rate(coffer: Coffer, actor: Actor) -> None:
    """A wallet that spent today for the first time is told a plain rate and that its history is short."""
    wallet = await wallet_with(coffer, actor, 1_000)
    await consume(coffer, actor, spend_of(wallet.uuid, "AI_SUMMARY", units=2))
    found = await usage_forecast(coffer, actor, wallet.uuid, 10, None)
    assert (found.model, found.next_month_credits, len(found.points)) == ("INSUFFICIENT_HISTORY", 900, 10)


async def test_spikes_of_ai_usage_are_flagged(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """A wild day of AI usage is reported with the wallet's forecast; one of another category with that category's."""
    wallet = await wallet_with(coffer, actor, 0)
    usage = past(coffer, [100] * 50)
    day = coffer.clock().date() - timedelta(days=3)
    await book(database_url, wallet, usage | {day: 2_000}, UsageCategory.AI)
    await book(database_url, wallet, usage, UsageCategory.API)
    whole = await usage_forecast(coffer, actor, wallet.uuid, 30, None)
    assert [(spike.date, spike.category, spike.credits) for spike in whole.spikes] == [(day, UsageCategory.AI, 2_000)]
    assert (await usage_forecast(coffer, actor, wallet.uuid, 30, UsageCategory.API)).spikes == []


async def test_a_short_runway_raises_one_alert(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """Under seven days of likely runway there is one alert; after a recovery, the next one."""
    wallet = await wallet_with(coffer, actor, 1_000)
    await book(database_url, wallet, past(coffer, [100] * 30))
    await make_forecasts(coffer)
    assert await alerts_of(coffer, actor, wallet) == []
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=500))
    [alert] = await alerts_of(coffer, actor, wallet)
    assert (alert.alert_days, alert.available_credits) == (7, 500)
    assert alert.runway_days == pytest.approx(5, abs=0.1)
    assert len(await alerts_of(coffer, actor, wallet)) == 1
    await grant_credits(coffer, actor, GrantRequest(wallet.uuid, 1_000, "more", "more"))
    assert len(await alerts_of(coffer, actor, wallet)) == 1
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=1_400))
    assert [row.available_credits for row in await alerts_of(coffer, actor, wallet)] == [100, 500]


async def test_a_wallet_has_its_own_number_of_days(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """Ten days of runway alert at fifteen, not at the default of seven nor at none."""
    wallet = await wallet_with(coffer, actor, 1_000)
    await book(database_url, wallet, past(coffer, [100] * 30))
    await make_forecasts(coffer)
    counts = []
    for days in (None, 0, 15, 0, 15):
        await set_runway_alert(coffer, actor, wallet.uuid, days)
        counts.append(len(await alerts_of(coffer, actor, wallet)))
    assert counts == [0, 0, 1, 1, 2]


async def test_its_own_number_of_days_outlives_a_forecast(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """A number of days that was set before the first forecast is used by it."""
    wallet = await wallet_with(coffer, actor, 1_000)
    await set_runway_alert(coffer, actor, wallet.uuid, 15)
    await book(database_url, wallet, past(coffer, [100] * 30))
    await make_forecasts(coffer)
    assert [row.alert_days for row in await alerts_of(coffer, actor, wallet)] == [15]


async def test_a_failed_fit_is_tried_again(coffer: Coffer, actor: Actor, database_url: str) -> None:
    """When the child fails, the job waits for its next attempt with the reason."""
    await book(database_url, await wallet_with(coffer, actor, 0), past(coffer, [5] * 20))
    await plan_forecasts(coffer)

    async def fit_nonsense(_histories: object) -> list[object]:
        return list(await fit_models(7))  # type: ignore[arg-type]

    [job] = await claim(coffer)
    await run_job(coffer, handlers(fit_nonsense), job)  # type: ignore[arg-type]
    connection = await asyncpg.connect(database_url)
    reason = await connection.fetchval("select last_error from job")
    await connection.close()
    assert "The forecasting process failed" in reason


async def test_only_the_project_may_ask(coffer: Coffer, actor: Actor) -> None:
    """Another project's wallet is not found, a viewer may not change the watch, and a year is the longest horizon."""
    wallet = await wallet_with(coffer, actor, 0)
    stranger = await owner_of(coffer, "other")
    with pytest.raises(NotFound):
        await usage_forecast(coffer, stranger, wallet.uuid, 30, None)
    with pytest.raises(NotFound):
        await forecast_accuracy(coffer, stranger, wallet.uuid, None, None)
    with pytest.raises(AccessDenied):
        await set_runway_alert(coffer, await owner_of(coffer, role=Role.VIEWER), wallet.uuid, 3)
    with pytest.raises(InvalidInput):
        await usage_forecast(coffer, actor, wallet.uuid, 366, None)


async def test_a_history_that_can_not_be_fitted_stops_no_other(
    coffer: Coffer, actor: Actor, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wallet of a block has no model then; the other has its forecast, and the block is done for the day."""
    wallets = [await wallet_with(coffer, actor, 0) for _ in range(2)]
    for wallet, used in zip(wallets, ([10] * 30, [20] * 40), strict=True):
        await book(database_url, wallet, past(coffer, used))

    real = fit_models

    async def fit(histories: Sequence[Sequence[int]]) -> Sequence[UsageModel | None]:
        return await real([[10**400] * 20 if len(history) == 30 else history for history in histories])

    monkeypatch.setattr("tests.services.test_forecasts.fit_models", fit)
    assert [await make_forecasts(coffer), await make_forecasts(coffer)] == [1, 0]
    found = [await usage_forecast(coffer, actor, wallet.uuid, 30, None) for wallet in wallets]
    assert [forecast.model for forecast in found] == ["WEEKDAY_MEAN", "BLENDED_SMOOTHING"]
