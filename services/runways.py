"""Alerts of wallets whose credits likely end soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from db import alerts
from db import forecasts as forecast_queries
from db import runways as queries
from db.forecasts import ALL_CATEGORIES
from db.models.forecasts import RunwayAlert
from domain.forecasts import Runway, credits_for
from domain.outlook import DEFAULT_ALERT_DAYS, STALE_DAYS, check_alert_days, runway_now
from domain.permissions import Actor, Permission
from live import topics
from services.forecasts import fitted_model
from services.wallets import narrow_to, require_wallet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from db.database import Session
    from db.models.forecasts import RunwayWatch
    from db.models.ledger import Wallet
    from domain.pages import Page
    from services.coffer import Coffer

ALERTS_AT_ONCE: Final = 200
"""Alerts of one transaction, and of one reading of a stream; the next ones follow in the next."""


async def watch_runways(coffer: Coffer) -> None:
    """Periodic: raise an alert for each wallet with less than its next days likely cost, once until it recovered."""
    more = True
    while more:
        async with coffer.database.transaction() as session:
            await queries.recover(session)
            found = await queries.running_out(session, ALERTS_AT_ONCE)
            rows = [await _alert(session, wallet, watch, coffer.clock()) for wallet, watch in found]
            if rows:
                await queries.raise_alerts(session, rows)
            changed = {topics.runways(wallet.project_id) for wallet, _ in found}
        for topic in changed:
            await coffer.hub.publish(topic, b"raised")
        more = len(found) == ALERTS_AT_ONCE


async def set_runway_alert(coffer: Coffer, actor: Actor, wallet: UUID | None, days: int | None) -> int:
    """Watch for a likely runway under so many days; 0 is no alert, None the default. NotFound, InvalidInput."""
    actor.require(Permission.MANAGE_WALLETS)
    check_alert_days(days)
    wanted = DEFAULT_ALERT_DAYS if days is None else days
    since = coffer.clock().date() - timedelta(days=STALE_DAYS)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        stored = await forecast_queries.newest(session, found.id, ALL_CATEGORIES, since)
        needed = credits_for(fitted_model(stored).model, wanted) if stored and wanted else None
        await queries.set_alert_days(session, found.id, days, needed)
    return wanted


async def list_runway_alerts(coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page) -> Sequence[RunwayAlert]:
    """Alerts of the project, newest first, of one wallet if named."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        only = await narrow_to(session, actor, wallet)
        return await alerts.newest(session, RunwayAlert, actor.project_id, only, page)


async def watch_runway_alerts(coffer: Coffer, actor: Actor, wallet: UUID | None) -> AsyncIterator[RunwayAlert]:
    """Each new alert of the project, or of one wallet: a message is a hint, the alerts are read by id. NotFound."""
    actor.require(Permission.READ)
    async with coffer.hub.subscribe(topics.runways(actor.project_id)) as inbox:
        async with coffer.database.reading() as session:
            only = await narrow_to(session, actor, wallet)
            seen = await alerts.newest_id(session, RunwayAlert, actor.project_id)
        async for _ in inbox:
            more = True
            while more:
                async with coffer.database.reading() as session:
                    rows = await alerts.following(session, RunwayAlert, actor.project_id, seen, ALERTS_AT_ONCE)
                for row in rows:
                    seen = row.id
                    if only in {None, row.wallet_id}:
                        yield row
                more = len(rows) == ALERTS_AT_ONCE


async def _alert(session: Session, wallet: Wallet, watch: RunwayWatch, now: datetime) -> dict[str, Any]:
    days = DEFAULT_ALERT_DAYS if watch.alert_days is None else watch.alert_days
    stored = await forecast_queries.newest(session, wallet.id, ALL_CATEGORIES, watch.forecast_on or now.date())
    found = runway_now(fitted_model(stored), wallet.available_credits, now) if stored else Runway(None, None, None)
    return {
        "project_id": wallet.project_id,
        "wallet_id": wallet.id,
        "wallet_uuid": wallet.uuid,
        "alert_days": days,
        "available_credits": wallet.available_credits,
        "runway_days": days if found.likely_days is None else found.likely_days,
        "early_days": found.early_days,
        "late_days": found.late_days,
        "raised_at": now,
    }
