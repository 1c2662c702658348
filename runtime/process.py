"""One running process: its connections opened and closed in order, and what runs in the background.

Nothing here imports the GraphQL schema, which takes a second and more: `runtime.serving` does.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from db.database import Database
from db.lanes import Lanes
from live.figures import Figures
from live.hub import Hub
from runtime.forecaster import fit_models
from runtime.gateways import open_gateways, open_payers
from runtime.mail import open_mailer
from runtime.relay import RelayWorker
from runtime.scheduler import Periodic, run_periodic
from runtime.storage import open_store
from runtime.worker import Worker
from services import (
    books,
    forecasts,
    fraud,
    invoice_files,
    mandates,
    notifications,
    payouts,
    recharge_outcomes,
    recharges,
    refunds,
    reversals,
    settlement,
    simulated_payouts,
    simulated_provider,
    simulated_subscriptions,
    splits,
    subscriptions,
    surplus,
    totals,
    vendors,
    webhooks,
)
from services.coffer import Coffer
from services.feed import Feed
from services.gifts import sweep_gifts
from services.holds import sweep_expired
from services.jobs import free_abandoned, purge_done
from services.permits import Permits
from services.proof import check_books, publish_burns, seal_wallets, settle_wallets
from services.runways import watch_runways
from services.usage import fold_recorded, fold_usage, make_clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.settings import Settings
    from services.jobs import Handler

RECONCILE_SECONDS: Final = 24 * 3600
PURGE_SECONDS: Final = 3600

PERIODIC: Final = (
    Periodic("free abandoned jobs", 10, free_abandoned),
    Periodic("purge done jobs", 3_600, purge_done),
    Periodic("settle what is due", 5, sweep_expired),
    Periodic("take back expired gifts", 30, sweep_gifts),
    Periodic("publish rapid burn", 1, publish_burns),
    Periodic("settle lots", 20, settle_wallets),
    Periodic("sweep recharges", 60, recharges.sweep_recharges),
    Periodic("check subscriptions", 60, subscriptions.plan_checks),
    Periodic("ask what went back", 60, reversals.sweep_reversals),
    Periodic("fold usage", 2, fold_usage),
    Periodic("fold recorded usage", 2, fold_recorded),
    Periodic("make days of clocks", 10, make_clocks),
    Periodic("recognise revenue", 60, books.recognise_revenue),
    Periodic("compare days with providers", 1_800, totals.plan_checks),
    Periodic("tell of low balances", 5, notifications.notify_low_balances),
    Periodic("seal the ledger", 60, seal_wallets),
    Periodic("reconcile", RECONCILE_SECONDS, check_books),
    Periodic("plan forecasts", 300, forecasts.plan_forecasts),
    Periodic("watch runways", 60, watch_runways),
)


def handlers(settings: Settings) -> dict[str, Handler]:
    """What each kind of job does."""
    webhook_url = f"{settings.public_url}/webhooks/simulated"
    return {
        "gateway.event": settlement.handle_gateway_event,
        "purchase.follow_up": settlement.follow_up,
        "recharge.start": recharges.start,
        "recharge.follow_up": recharges.follow_up,
        "mandate.follow_up": mandates.follow_up,
        "recharge.event": recharge_outcomes.handle_event,
        "fraud.event": fraud.handle_event,
        "refund.send": refunds.send_refund,
        "payout.follow": payouts.follow,
        "split.send": splits.send,
        "vendor.follow": vendors.follow,
        "refund.surplus": surplus.refund_surplus,
        "gateway.check": totals.check,
        "subscription.check": subscriptions.check,
        "subscription.cancel": subscriptions.cancel,
        "purchase.reversals": reversals.watch_reversals,
        **forecasts.handlers(fit_models),
        **invoice_files.handlers(open_store(settings)),
        **notifications.handlers(open_mailer(settings), settings.mail_from),
        **simulated_payouts.HANDLERS,
        **simulated_provider.handlers(webhook_url, settings.simulated_secret),
        **simulated_subscriptions.handlers(),
    }


@asynccontextmanager
async def open_coffer(settings: Settings, database_url: str, redis_url: str) -> AsyncIterator[Coffer]:
    """The open parts of a process; what is under way is finished before they close."""
    gateways = open_gateways(settings)
    payers = open_payers(settings, gateways)
    database, hub = Database(database_url), Hub(redis_url)
    feed, figures = Feed(hub), Figures(redis_url)
    lanes = Lanes(database_url, feed.spent)
    await hub.connect()
    await lanes.connect()
    permits = Permits(hub, database)
    await permits.connect()
    try:
        yield Coffer(database, lanes, hub, gateways, lambda: datetime.now(UTC), permits, figures, payers)
    finally:
        await lanes.close()
        await feed.drain()
        await hub.disconnect()
        await figures.close()
        for gateway in gateways.values():
            await gateway.close()
        for payer in payers.values():
            await payer.close()
        await database.close()


@asynccontextmanager
async def background(coffer: Coffer, settings: Settings) -> AsyncIterator[None]:
    """Run the worker and the clock for the length of the block."""
    kinds = handlers(settings)
    worker = RelayWorker(coffer, kinds, settings.queue_url) if settings.queue_url else Worker(coffer, kinds)
    measure = Periodic("measure queues", 5, lambda _coffer: worker.measure())
    forget = partial(webhooks.purge_messages, keep_days=settings.webhook_retention_days)
    purge = Periodic("purge old messages", PURGE_SECONDS, forget)
    working = asyncio.create_task(worker.run())
    clock = asyncio.create_task(run_periodic(coffer, [*PERIODIC, measure, purge]))
    try:
        yield
    finally:
        worker.stop()
        clock.cancel()
        await asyncio.gather(working, clock, return_exceptions=True)


async def work(settings: Settings, database_url: str, redis_url: str) -> None:
    """Work, without serving, until SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    async with open_coffer(settings, database_url, redis_url) as coffer, background(coffer, settings):
        await stopped.wait()
