"""Forecasts over HTTP, made by the running worker."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from domain.permissions import Role
from schema.ids import parse_id
from services.forecasts import plan_forecasts
from services.runways import watch_runways
from services.wallets import get_wallet
from tests.api.conftest import CREATE_WALLET, GRANT
from tests.builders import owner_of
from tests.history import book
from tests.waiting import found

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api

FORECAST = """query($id: ID!, $days: Int, $category: UsageCategory) {
  usageForecast(walletId: $id, horizonDays: $days, category: $category) {
    nextMonthCredits lower upper horizonCredits horizonLower horizonUpper runwayDays
    runway { likelyDays earlyDays lateDays } spikes { date category credits usual }
    points { date expected lower upper } model madeOn historyFrom historyTo } }"""
ACCURACY = """query($id: ID!, $month: Date) { forecastAccuracy(walletId: $id, month: $month) {
  from to expected lower upper actual withinRange daysWithinRange model points { date actual } } }"""
WATCH = "subscription { runwayAlert { walletId alertDays runwayDays earlyDays lateDays availableCredits } }"
SET = """mutation($input: RunwayAlertInput!) { setRunwayAlert(input: $input) { days errors { code field } } }"""
ALERTS = "query($id: ID) { runwayAlerts(walletId: $id) { nodes { walletId alertDays availableCredits } } }"


async def wallet_with_history(api: Api, client: Client, database_url: str, credits: list[int]) -> str:
    """A wallet with 1,000 credits and that usage on the days up to yesterday."""
    created = (await client.run(CREATE_WALLET, owner="maya"))["wallet"]["id"]
    given = {"walletId": created, "credits": 1_000, "reason": "a start", "idempotencyKey": "start"}
    await client.run(GRANT, input=given)
    actor = await owner_of(api.coffer)
    wallet = await get_wallet(api.coffer, actor, parse_id("wal", created))
    assert wallet is not None
    today = api.coffer.clock().date()
    await book(
        database_url, wallet, {today - timedelta(days=ago): used for ago, used in enumerate(reversed(credits), 1)}
    )
    return str(created)


async def forecast_by_worker(api: Api, client: Client, wallet: str, **words: Any) -> dict[str, Any]:  # noqa: ANN401
    """The forecast once the worker has made it."""
    await plan_forecasts(api.coffer)
    look = partial(client.run, FORECAST, id=wallet, **words)
    return dict(await found(look, lambda forecast: forecast["model"] == "BLENDED_SMOOTHING"))


async def test_a_forecast_says_how_sure_it_is(api: Api, database_url: str) -> None:
    """A viewer reads the month, any horizon day by day, the runway and where it comes from, each with its range."""
    owner, viewer = await api.client(), await api.client(Role.VIEWER)
    week = [120, 130, 125, 120, 110, 40, 20]
    wallet = await wallet_with_history(api, owner, database_url, [week[day % 7] for day in range(70)])
    plain = await viewer.run(FORECAST, id=wallet)
    assert plain["model"] == "WEEKDAY_MEAN"
    found = await forecast_by_worker(api, viewer, wallet, days=45)
    today = api.coffer.clock().date()
    assert [point["date"] for point in found["points"]] == [str(today + timedelta(days=n)) for n in range(1, 46)]
    assert found["lower"] <= found["nextMonthCredits"] <= found["upper"]
    assert found["horizonCredits"] > found["nextMonthCredits"] > 2_500
    assert found["runway"]["earlyDays"] <= found["runway"]["likelyDays"] <= found["runway"]["lateDays"]
    assert found["runwayDays"] == found["runway"]["likelyDays"]
    assert 9 < found["runwayDays"] < 13
    assert (found["spikes"], found["madeOn"], found["historyTo"]) == ([], str(today), str(today - timedelta(days=1)))


async def test_accuracy_is_null_without_a_forecast(api: Api, database_url: str) -> None:
    """A month in which no forecast was made has nothing to compare; one to come is refused."""
    client = await api.client()
    wallet = await wallet_with_history(api, client, database_url, [10] * 20)
    assert await client.run(ACCURACY, id=wallet) is None
    answer = await client.ask(ACCURACY, id=wallet, month=str(api.coffer.clock().date() + timedelta(days=40)))
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_a_short_runway_is_told_at_once(api: Api, database_url: str) -> None:
    """An open socket gets the alert when a wallet is watched for more days than it has, and the list has it too."""
    client = await api.client()
    wallet = await wallet_with_history(api, client, database_url, [100] * 30)
    await forecast_by_worker(api, client, wallet)
    async with client.watch(WATCH) as alerts:
        assert await client.run(SET, input={"walletId": wallet, "days": 20}) == {"days": 20, "errors": []}
        await watch_runways(api.coffer)
        alert = await alerts.next()
    assert (alert["walletId"], alert["alertDays"], alert["availableCredits"]) == (wallet, 20, 1_000)
    assert 9.5 < alert["runwayDays"] < 10.5
    assert [node["walletId"] for node in (await client.run(ALERTS, id=wallet))["nodes"]] == [wallet]


async def test_a_watch_that_can_not_be_is_refused(api: Api, database_url: str) -> None:
    """More than a year is INVALID_INPUT on `days`; null days are the default."""
    client = await api.client()
    wallet = await wallet_with_history(api, client, database_url, [])
    refused = await client.run(SET, input={"walletId": wallet, "days": 400})
    assert refused["errors"] == [{"code": "INVALID_INPUT", "field": ["days"]}]
    assert (await client.run(SET, input={"walletId": wallet}))["days"] == 7
