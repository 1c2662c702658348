"""Proof of the books: which lots paid, what made up a balance at any time, the trial balance, seals, reconciliation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Gauge

from db import alerts, transactions
from db import proof as queries
from db.models.controls import BurnAlert
from db.reconcile import reconcile
from domain.balances import AccountBalance, trial_balance
from domain.errors import InvalidInput, NotFound
from domain.ledger import Account, TransactionType
from domain.permissions import Actor, Permission
from services.feed import burn_message
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from db.models.lots import Lot
    from domain.pages import Page
    from services.coffer import Coffer

SWEEP_WALLETS: Final = 500
PUBLISHED_ALERTS: Final = 100
SETTLE_ROWS: Final = 10_000
"""Rows of a wallet that may wait for a settlement; it then takes some tens of milliseconds of the wallet's lock."""

EXPLAINED_LOTS: Final = 500
_violations: Final = Gauge("coffer_ledger_violations", "Broken promises that the last reconciliation found.")
_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TypeTotal:
    """What one kind of movement did to the available credits, in all."""

    type: TransactionType
    movements: int
    credits: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A balance at an instant and what it is made of: movements by kind, and lots with what each had left then."""

    at: datetime
    sequence: int
    balance: int
    totals: Sequence[TypeTotal]
    lots: Sequence[Any]


async def allocations(coffer: Coffer, actor: Actor, wallet: UUID | None, sequence: int) -> Sequence[Any]:
    """The lots that paid for a transaction, or got credits back by it, in burn order. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        if not 1 <= sequence <= found.sequence:
            raise NotFound("No such transaction in this project.", field=["transactionId"])
        await queries.settle_lots(session, found.id)
        return await queries.allocations(session, found.id, sequence)


async def explain_balance(coffer: Coffer, actor: Actor, wallet: UUID | None, at: datetime | None) -> Explanation:
    """The available credits at an instant (now when None), and what makes them up. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    now = coffer.clock()
    if at is not None and at.tzinfo is None:
        raise InvalidInput("at needs an offset, such as Z.", field=["at"])
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        await queries.settle_lots(session, found.id)
        sequence = await queries.sequence_at(session, found.id, at or now)
        balance = 0 if sequence == 0 else (await transactions.at(session, found.id, sequence)).balance_after
        totals = [
            TypeTotal(TransactionType(row.type), row.movements, row.credits)
            for row in await queries.summary(session, found.id, sequence)
        ]
        lots = await queries.lots_at(session, found.id, sequence, EXPLAINED_LOTS)
    return Explanation(at or now, sequence, balance, totals, lots)


async def list_lots(coffer: Coffer, actor: Actor, wallet: UUID | None, page: Page) -> Sequence[Lot]:
    """The lots of a wallet, newest first, with what is left of each now. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        await queries.settle_lots(session, found.id)
        return await queries.lots(session, found.id, page)


async def list_burn_alerts(coffer: Coffer, actor: Actor, page: Page) -> Sequence[BurnAlert]:
    """The project's episodes of rapid burn, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await alerts.newest(session, BurnAlert, actor.project_id, None, page)


async def project_trial_balance(coffer: Coffer, actor: Actor) -> list[AccountBalance]:
    """The balance of every account of the project; the sum is 0 and the wallets agree, or the books are broken."""
    actor.require(Permission.READ)
    async with coffer.database.snapshot() as session:
        flows = await queries.flows(session, actor.project_id)
        sums = await queries.buckets(session, actor.project_id)
    wallets = {
        Account.AVAILABLE: sums.available,
        Account.RESERVED: sums.reserved,
        Account.LOCKED: sums.locked,
        Account.PENDING: sums.pending,
        Account.DEBT: -sums.debt,
    }
    moved = [(Account(row.from_account), Account(row.to_account), row.credits) for row in flows]
    return trial_balance(moved, wallets)


async def settle_wallets(coffer: Coffer) -> None:
    """Settle the lots of wallets where many rows wait, so that no spend ever has to wait for it long."""
    async with coffer.database.reading() as session:
        waiting = await queries.unsettled(session, SETTLE_ROWS, SWEEP_WALLETS)
    for wallet_id in waiting:
        async with coffer.database.transaction() as session:
            await queries.settle_lots(session, wallet_id)


async def seal_wallets(coffer: Coffer) -> None:
    """Seal what was written since the last round."""
    async with coffer.database.reading() as session:
        waiting = await queries.unsealed(session, SWEEP_WALLETS)
    for wallet_id in waiting:
        async with coffer.database.transaction() as session:
            await queries.seal(session, wallet_id)


async def publish_burns(coffer: Coffer) -> None:
    """Tell streams of rapid burn; the alerts themselves were written by the spends."""
    async with coffer.database.transaction() as session:
        rows = await alerts.unpublished(session, PUBLISHED_ALERTS)
        if rows:
            await coffer.hub.publish_many([burn_message(row) for row in rows])
            await alerts.published(session, [row.id for row in rows])


async def check_books(coffer: Coffer) -> None:
    """Reconcile everything; the metric coffer_ledger_violations and an error in the log say what is broken."""
    report = await reconcile(coffer.database.url)
    _violations.set(report["violations"])
    if report["violations"]:
        broken = [check["promise"] for check in report["checks"] if check["violations"]]
        _log.error("ledger.violations", violations=report["violations"], promises=broken)
