"""Steps that the tests of auto-recharge share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from db import recharges as queries
from domain.pages import Page
from domain.purchases import PurchaseStatus
from domain.recharges import MethodKind, MethodStatus, Terms
from gateways.base import ChargeRequest, GatewayUnavailable, Order, OrderRequest, Payment, SavedMethod
from runtime.process import handlers
from services import recharge_settings as settings_service
from services.jobs import run_job
from services.requests import RechargeRequest
from services.saved_methods import list_methods
from services.spending import consume
from tests.builders import settings_for, spend_of, wallet_with
from tests.services.job_steps import claim

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.ledger import Wallet
    from db.models.recharges import Recharge
    from domain.permissions import Actor
    from gateways.base import Gateway
    from services.coffer import Coffer

TERMS = Terms(50_000, None, 300_000, 3_600)
HANDLERS = handlers(settings_for(1))
MANY_ROUNDS = 20


class WorkerKilledError(BaseException):
    """What ends a worker in the middle of its work: nothing catches it, as nothing catches a kill."""


@dataclass
class Bank:
    """A provider that remembers: one charge for each reference, as `verdicts` say, SUCCESS at the end."""

    name = "bank"
    is_merchant_of_record = False
    saves_at_purchase = True
    verdicts: list[PurchaseStatus] = field(default_factory=list)
    charged: dict[str, Payment] = field(default_factory=dict)
    calls: int = 0
    kills: bool = False
    is_down: bool = False

    async def charge(self, request: ChargeRequest) -> Payment:
        """Charge once for the reference; a kill comes after that, so the answer is lost."""
        self.calls += 1
        if self.is_down:
            raise GatewayUnavailable("The bank is down.")
        if request.reference not in self.charged:
            status = self.verdicts.pop(0) if self.verdicts else PurchaseStatus.SUCCESS
            order = f"charge-{request.reference}"
            paid = f"pay-{request.reference}" if status is PurchaseStatus.SUCCESS else None
            words = (request.reference, paid, status, request.total_minor, request.currency)
            self.charged[request.reference] = Payment(order, *words, None if paid else "declined")
        if self.kills:
            raise WorkerKilledError
        return self.charged[request.reference]

    async def fetch_payment(self, order_id: str) -> Payment:
        """How a charge stands."""
        return self.charged[order_id.removeprefix("charge-")]

    async def create_order(self, request: OrderRequest) -> Order:
        """A page to pay on."""
        return Order(f"charge-{request.reference}", "https://bank.example.test/pay")

    async def forget(self, method: SavedMethod) -> None:
        """Let go of a method."""

    async def close(self) -> None:
        """Close nothing."""


def with_bank(coffer: Coffer, bank: Bank) -> Coffer:
    """The process with the bank as its provider."""
    gateways: dict[str, Gateway] = {"bank": bank}  # type: ignore[dict-item]  # it gets no webhooks
    return replace(coffer, gateways=gateways)


async def save(coffer: Coffer, actor: Actor, wallet: Wallet, kind: MethodKind = MethodKind.DIRECT) -> UUID:
    """A saved method, as a purchase would have left it."""
    values = {"uuid": uuid4(), "project_id": wallet.project_id, "wallet_id": wallet.id, "wallet_uuid": wallet.uuid}
    values |= {"gateway": "bank", "customer_id": "c", "method_id": f"m-{wallet.id}", "label": "CREDIT_CARD"}
    async with coffer.database.transaction() as session:
        await queries.save_method(session, values | {"kind": kind, "status": MethodStatus.ACTIVE})
    return (await list_methods(coffer, actor, wallet.uuid, Page(1, None)))[0].uuid


async def recharging(
    coffer: Coffer, actor: Actor, terms: Terms = TERMS, *, kind: MethodKind = MethodKind.DIRECT
) -> Wallet:
    """A wallet of 210 credits that recharges below 200."""
    wallet = await wallet_with(coffer, actor, 210)
    method = await save(coffer, actor, wallet, kind)
    await settings_service.enable(coffer, actor, RechargeRequest(wallet.uuid, method, 200, terms))
    await drain(coffer)
    return wallet


async def dip(coffer: Coffer, actor: Actor, wallet: Wallet, credits: int = 15) -> None:
    """Spend so many credits."""
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=credits))


async def drain(coffer: Coffer) -> list[str]:
    """Do every job that is due, and those that come of it; how each ended."""
    ends: list[str] = []
    for _ in range(MANY_ROUNDS):
        jobs = await claim(coffer)
        if not jobs:
            return ends
        ends += [f"{job.kind} {await run_job(coffer, HANDLERS, job)}" for job in jobs]
    raise AssertionError(ends)


async def history(coffer: Coffer, actor: Actor, wallet: Wallet) -> list[Recharge]:
    """The wallet's attempts, oldest first."""
    return list(reversed(await settings_service.attempts(coffer, actor, wallet.id, Page(50, None))))


async def states(coffer: Coffer, actor: Actor, wallet: Wallet) -> list[str]:
    """Where the wallet's attempts stand, oldest first."""
    return [row.state.name for row in await history(coffer, actor, wallet)]
