"""Forecasts of usage: fitted by the worker once a day and stored, read from what is stored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from db import forecasts as queries
from db import rollups, runways
from db.forecasts import ALL_CATEGORIES
from domain.forecasts import credits_for
from domain.jobs import Queue
from domain.outlook import (
    DEFAULT_ALERT_DAYS,
    RECENT_DAYS,
    STALE_DAYS,
    FittedModel,
    accuracy,
    check_horizon,
    model_of,
    month_of,
    outlook,
    plain_fit,
    usage_spikes,
    whole_days,
)
from domain.permissions import Actor, Permission
from domain.pricing import UsageCategory
from domain.smoothing import MAX_HISTORY_DAYS
from services.jobs import enqueue
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from db.database import Session
    from db.models.forecasts import StoredForecast
    from domain.forecasts import UsageModel
    from domain.outlook import ForecastAccuracy, UsageForecast
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

    Fit = Callable[[Sequence[Sequence[int]]], Awaitable[Sequence[UsageModel | None]]]
    """Fits a model to each history, away from the event loop; None where that fails."""

    History = tuple[int, int, date, list[int]]
    """A wallet, a category or ALL_CATEGORIES, the first day, and the whole days from it to yesterday."""

BLOCK_WALLETS: Final = 25
"""Wallets of one job: with all their categories some seconds of work."""

STARTED_BLOCKS: Final = 3
"""Blocks that are begun at once; each asks for the next when it is done, so that forecasts never fill the queue.

More than one, so that a block that fails does not hold up the others.
"""

ACTIVE_DAYS: Final = 60
"""A wallet without usage for so long is not forecast any more."""

DaysByCategory = dict[int, dict["date", int]]


async def plan_forecasts(coffer: Coffer) -> None:
    """Periodic: begin with the forecasts of wallets that have none of today (UTC)."""
    async with coffer.database.transaction() as session:
        due = await queries.due_wallets(session, (0, None), _days(coffer), STARTED_BLOCKS * BLOCK_WALLETS)
        for block in sorted({wallet_id // BLOCK_WALLETS for wallet_id in due})[:STARTED_BLOCKS]:
            await _ask(coffer, session, block)


def handlers(fit: Fit) -> dict[str, Handler]:
    """What a forecast job does with a given way to fit."""

    async def forecast_usage(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        return await _forecast_block(coffer, fit, payload)

    return {"forecast.usage": forecast_usage}


async def usage_forecast(
    coffer: Coffer, actor: Actor, wallet: UUID | None, horizon_days: int, category: UsageCategory | None
) -> UsageForecast:
    """The stored forecast, or a plain one until the worker has made it; spikes of the category, by default of AI.

    NotFound, InvalidInput.
    """
    actor.require(Permission.READ)
    check_horizon(horizon_days)
    now = coffer.clock()
    today = now.date()
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        stored = await queries.newest(session, found.id, _number(category), today - timedelta(days=STALE_DAYS))
        rows = await rollups.daily(session, [found.id], today - timedelta(days=RECENT_DAYS), today)
    days = _by_category(rows)[found.id]
    fitted = fitted_model(stored) if stored else plain_fit(days[_number(category)], today)
    watched = category or UsageCategory.AI
    spikes = usage_spikes(days[watched], watched, today)
    return outlook(fitted, found.available_credits, now, horizon_days, spikes)


async def forecast_accuracy(
    coffer: Coffer, actor: Actor, wallet: UUID | None, category: UsageCategory | None, month: date | None
) -> ForecastAccuracy | None:
    """A month's first forecast beside what happened, by default of last month; None without one.

    NotFound, InvalidInput.
    """
    actor.require(Permission.READ)
    today = coffer.clock().date()
    start, end = month_of(month, today)
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        stored = await queries.first_between(session, found.id, _number(category), start, end)
        rows = await rollups.daily(session, [found.id], start, end)
    if stored is None:
        return None
    days = _by_category(rows)[found.id][_number(category)]
    return accuracy(fitted_model(stored), days, min(end, today - timedelta(days=1)))


def fitted_model(row: StoredForecast) -> FittedModel:
    """The model in a stored row."""
    return FittedModel(model_of(row.parameters), row.made_on, row.history_from, row.history_to)


async def _forecast_block(coffer: Coffer, fit: Fit, payload: Mapping[str, Any]) -> Effect:
    """Job `forecast.usage`: fit each due wallet of a block, and each of its categories; then ask for the next block."""
    since, today = _days(coffer)
    first = payload["block"] * BLOCK_WALLETS
    end = first + BLOCK_WALLETS
    async with coffer.database.reading() as session:
        due = await queries.due_wallets(session, (first, end), (since, today), BLOCK_WALLETS)
        rows = await rollups.daily(session, due, today - timedelta(days=MAX_HISTORY_DAYS), today - timedelta(days=1))
        alert_days = await runways.alert_days(session, due)
    histories = _histories(rows, today)
    models = await fit([values for *_, values in histories])
    made = [(history, model) for history, model in zip(histories, models, strict=True) if model]
    forecasts = [_row(history, model, today) for history, model in made]
    totals = {wallet: model for (wallet, category, *_), model in made if not category}
    needed = {wallet: _needed(totals.get(wallet), alert_days.get(wallet, DEFAULT_ALERT_DAYS)) for wallet in due}

    async def effect(session: Session) -> None:
        if forecasts:
            await queries.store(session, forecasts, due, today)
        if due:
            await runways.note_forecasts(session, needed, today)
        for wallet_id in await queries.due_wallets(session, (end, None), (since, today), 1):
            await _ask(coffer, session, wallet_id // BLOCK_WALLETS)

    return effect


async def _ask(coffer: Coffer, session: Session, block: int) -> None:
    """Ask for a block's forecasts, unless that was asked for already."""
    work = (Queue.ANALYTICS_BILLING, "forecast.usage", {"block": block})
    await enqueue(coffer, session, work, key=f"forecast:{block}")


def _days(coffer: Coffer) -> tuple[date, date]:
    today = coffer.clock().date()
    return today - timedelta(days=ACTIVE_DAYS), today


def _needed(model: UsageModel | None, days: int) -> int | None:
    return credits_for(model, days) if model and days else None


def _histories(rows: Sequence[Any], today: date) -> list[History]:
    found = []
    for wallet_id, categories in _by_category(rows).items():
        for category, by_day in categories.items():
            first, values = whole_days(by_day, today)
            if first is not None:
                found.append((wallet_id, category, first, values))
    return found


def _by_category(rows: Sequence[Any]) -> dict[int, DaysByCategory]:
    """Credits by wallet, category and day. What holds took has no category and is in the sum of all."""
    found: dict[int, DaysByCategory] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for wallet_id, category, day, credits in rows:
        for key in {category, ALL_CATEGORIES} - {None}:
            found[wallet_id][key][day] += int(credits)
    return found


def _row(history: History, model: UsageModel, today: date) -> dict[str, Any]:
    wallet_id, category, first, _ = history
    return {
        "wallet_id": wallet_id,
        "category": category,
        "made_on": today,
        "history_from": first,
        "history_to": today - timedelta(days=1),
        "model": model.name,
        "parameters": asdict(model),
    }


def _number(category: UsageCategory | None) -> int:
    return ALL_CATEGORIES if category is None else int(category)
