"""Steps that the tests of refunds and disputes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.pages import Page
from domain.refunds import DisputeStatus, RefundStatus
from gateways.base import ProviderDispute, ProviderRefund, Reversals
from services.disputes import list_disputes
from services.refunds import list_refunds
from services.reversals import apply_reversals
from services.spending import consume
from services.wallets import get_wallet
from tests.builders import spend_of

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer

TOTAL = 60_200
ALL = Page(50, None)


def refund_of(
    refund_id: str, total: int, status: RefundStatus = RefundStatus.SUCCEEDED, reference: str = ""
) -> ProviderRefund:
    """What a provider would say of a refund."""
    return ProviderRefund(refund_id, reference, total, "INR", status, "no" if status is RefundStatus.FAILED else None)


def dispute_of(status: DisputeStatus, total: int = TOTAL) -> ProviderDispute:
    """What a provider would say of a dispute."""
    return ProviderDispute("d-1", total, "INR", status, "fraudulent")


async def tell(coffer: Coffer, purchase: Purchase, *told: ProviderRefund | ProviderDispute) -> str:
    """Apply what a provider says."""
    refunds = [one for one in told if isinstance(one, ProviderRefund)]
    disputes = [one for one in told if isinstance(one, ProviderDispute)]
    async with coffer.database.transaction() as session:
        return await apply_reversals(coffer, session, purchase.uuid, Reversals(refunds, disputes))


async def wallet_of(coffer: Coffer, actor: Actor, purchase: Purchase) -> Wallet:
    """The purchase's wallet."""
    wallet = await get_wallet(coffer, actor, purchase.wallet_uuid)
    assert wallet is not None
    return wallet


async def balance(coffer: Coffer, actor: Actor, purchase: Purchase) -> tuple[int, int]:
    """Available credits and debt."""
    wallet = await wallet_of(coffer, actor, purchase)
    return wallet.available_credits, wallet.debt_credits


async def spend(coffer: Coffer, actor: Actor, purchase: Purchase, times: int) -> None:
    """Spend 20 credits that often."""
    await consume(coffer, actor, spend_of(purchase.wallet_uuid, "API_EXPORT_DATA", units=times))


async def refund_rows(coffer: Coffer, actor: Actor, purchase: Purchase) -> list[tuple[str, str, int, int]]:
    """Origin, status, paise of the total and credits of each refund, the oldest first."""
    rows = reversed(await list_refunds(coffer, actor, purchase.uuid, ALL))
    return [(row.origin.name, row.status.name, row.total_minor, row.credits) for row in rows]


async def dispute_rows(coffer: Coffer, actor: Actor) -> list[tuple[str, int]]:
    """Status and frozen credits of each dispute."""
    return [(row.status.name, row.frozen_credits) for row in await list_disputes(coffer, actor, None, ALL)]
