"""From a provider's word to credits: once, in any order, and never for the wrong amount."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db import purchases as queries
from db.reconcile import reconcile
from db.transactions import following
from domain.errors import IdempotencyConflict, InvalidInput, InvalidState
from domain.pages import Page
from domain.purchases import PaymentMethod, PurchaseStatus
from gateways.base import Payment
from services.jobs import list_jobs
from services.purchases import get_purchase, purchase_credits, retry_purchase
from services.requests import PurchaseRequest
from services.settlement import PaymentMismatch, apply_payment
from services.wallets import get_wallet
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer

S = PurchaseStatus


def request_for(wallet: UUID, key: str = "buy", **changes: object) -> PurchaseRequest:
    return replace(PurchaseRequest(wallet, "PACK_500", None, PaymentMethod.UPI, key), **changes)  # type: ignore[arg-type]


def payment_of(purchase: Purchase, status: PurchaseStatus = S.SUCCESS, **changes: object) -> Payment:
    """What the provider would say of the purchase's current attempt."""
    values: dict[str, object] = {
        "order_id": f"order-{purchase.attempt}",
        "reference": purchase.reference,
        "payment_id": f"pay-{purchase.attempt}",
        "status": status,
        "total_minor": purchase.quote.total_minor,
        "currency": "INR",
    }
    return Payment(**values | changes)  # type: ignore[arg-type]


async def apply(coffer: Coffer, payment: Payment, gateway: str = "simulated") -> str:
    async with coffer.database.transaction() as session:
        return await apply_payment(coffer, session, gateway, payment)


async def bought(coffer: Coffer) -> tuple[Actor, Purchase]:
    """A purchase whose order could not be opened yet: no provider runs in these tests."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    return actor, await purchase_credits(coffer, actor, request_for(wallet.uuid))


async def state(coffer: Coffer, actor: Actor, purchase: Purchase) -> tuple[str, int]:
    row = await get_purchase(coffer, actor, purchase.uuid)
    wallet = await get_wallet(coffer, actor, purchase.wallet_uuid)
    assert row is not None
    assert wallet is not None
    return row.status.name, wallet.available_credits


async def test_a_success_told_many_times_at_once_is_granted_once(coffer: Coffer, database_url: str) -> None:
    """Ten concurrent reports of one payment give 5,000 and 500 credits as two rows, once."""
    actor, purchase = await bought(coffer)
    words = await asyncio.gather(*(apply(coffer, payment_of(purchase)) for _ in range(10)))
    assert sorted(words) == ["granted"] + ["known"] * 9
    assert await state(coffer, actor, purchase) == ("SUCCESS", 5_500)
    async with coffer.database.reading() as session:
        rows = await following(session, purchase.wallet_id, 0, 10)
    assert [(row.type.name, row.credits) for row in rows] == [("CREDIT_PURCHASE", 5_000), ("BONUS_CREDIT", 500)]
    assert (await reconcile(database_url))["violations"] == 0


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ([S.PENDING, S.SUCCESS], ("SUCCESS", 5_500)),
        ([S.SUCCESS, S.PENDING], ("SUCCESS", 5_500)),
        ([S.SUCCESS, S.FAILED], ("SUCCESS", 5_500)),
        ([S.FAILED, S.PENDING], ("FAILED", 0)),
        ([S.FAILED, S.SUCCESS], ("SUCCESS", 5_500)),
        ([S.PENDING, S.FAILED, S.SUCCESS, S.SUCCESS], ("SUCCESS", 5_500)),
        ([S.PROCESSING, S.FAILED, S.FAILED], ("FAILED", 0)),
    ],
)
async def test_the_order_of_arrival_does_not_matter(
    coffer: Coffer, told: list[PurchaseStatus], end: tuple[str, int]
) -> None:
    """Late, early and repeated news of a payment lead to the same end."""
    actor, purchase = await bought(coffer)
    for status in told:
        await apply(coffer, payment_of(purchase, status))
    assert await state(coffer, actor, purchase) == end


@pytest.mark.parametrize("change", [{"total_minor": 60_199}, {"total_minor": 60_201}, {"currency": "USD"}])
async def test_a_payment_of_another_amount_or_currency_grants_nothing(
    coffer: Coffer, change: dict[str, object]
) -> None:
    """One paisa less or more, or another currency, is a mismatch for somebody to look at."""
    actor, purchase = await bought(coffer)
    with pytest.raises(PaymentMismatch):
        await apply(coffer, payment_of(purchase, S.SUCCESS, **change))
    assert await state(coffer, actor, purchase) == ("PROCESSING", 0)


@pytest.mark.parametrize("reference", ["0" * 32 + "-1", "somebody else", "-", ""])
async def test_a_payment_that_is_not_ours_changes_nothing(coffer: Coffer, reference: str) -> None:
    """A reference that no purchase has is noted as not ours."""
    _, purchase = await bought(coffer)
    assert await apply(coffer, payment_of(purchase, reference=reference)) == "not ours"


async def test_a_payment_at_another_gateway_changes_nothing(coffer: Coffer) -> None:
    """Only the gateway that was asked for the money can say that it came, whatever reference another one names."""
    actor, purchase = await bought(coffer)
    assert await apply(coffer, payment_of(purchase), gateway="polar") == "not ours"
    assert await state(coffer, actor, purchase) == ("PROCESSING", 0)


async def test_a_late_success_of_the_first_attempt_counts_and_a_second_payment_goes_back(coffer: Coffer) -> None:
    """After a retry either attempt may pay; the second payment grants nothing, and one job is to refund it."""
    actor, purchase = await bought(coffer)
    await apply(coffer, payment_of(purchase, S.FAILED))
    second = await retry_purchase(coffer, actor, purchase.uuid, "again")
    assert await apply(coffer, payment_of(purchase, S.FAILED)) == "too late"
    assert await apply(coffer, payment_of(purchase)) == "granted"
    words = [await apply(coffer, payment_of(second)) for _ in range(3)]
    assert words == ["paid twice: refunded", "known", "known"]
    jobs = await list_jobs(coffer, actor, None, Page(50, None))
    assert [job.kind for job in jobs].count("refund.surplus") == 1
    assert await state(coffer, actor, purchase) == ("SUCCESS", 5_500)


async def test_the_order_of_an_attempt_that_was_overtaken_is_followed(coffer: Coffer) -> None:
    """When an earlier attempt pays, the order of the current one can still be paid, so one job asks about it."""
    actor, purchase = await bought(coffer)
    await apply(coffer, payment_of(purchase, S.FAILED))
    second = await retry_purchase(coffer, actor, purchase.uuid, "again")
    async with coffer.database.transaction() as session:
        row = await queries.lock(session, second.uuid)
        assert row is not None
        row.order_id = "order-2"
    await apply(coffer, payment_of(purchase))
    jobs = await list_jobs(coffer, actor, None, Page(50, None))
    assert [job.payload.get("order") for job in jobs if job.kind == "purchase.follow_up"].count("order-2") == 1


async def test_the_same_purchase_key_gives_the_same_purchase(coffer: Coffer) -> None:
    """A repeated key is the same purchase; with another amount it is a conflict."""
    actor, purchase = await bought(coffer)
    again = await purchase_credits(coffer, actor, request_for(purchase.wallet_uuid))
    assert again.uuid == purchase.uuid
    with pytest.raises(IdempotencyConflict):
        await purchase_credits(coffer, actor, request_for(purchase.wallet_uuid, pack_code="PACK_1000"))


async def test_one_key_sent_many_times_at_once_is_one_purchase(coffer: Coffer) -> None:
    """Eight concurrent requests with one key all get the same purchase."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    requests = (purchase_credits(coffer, actor, request_for(wallet.uuid)) for _ in range(8))
    assert len({purchase.uuid for purchase in await asyncio.gather(*requests)}) == 1


async def test_only_a_failed_purchase_can_be_retried(coffer: Coffer) -> None:
    """A retry of a purchase under way is refused; of a failed one it starts over, once for its key."""
    actor, purchase = await bought(coffer)
    with pytest.raises(InvalidState):
        await retry_purchase(coffer, actor, purchase.uuid, "again")
    await apply(coffer, payment_of(purchase, S.FAILED, failure_reason="declined"))
    first = await retry_purchase(coffer, actor, purchase.uuid, "again")
    second = await retry_purchase(coffer, actor, purchase.uuid, "again")
    assert (first.status, first.attempt, second.attempt) == (S.PROCESSING, 2, 2)


async def test_an_unknown_gateway_is_refused(coffer: Coffer) -> None:
    """A gateway that is not configured is INVALID_INPUT and names those that are."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    with pytest.raises(InvalidInput, match="simulated"):
        await purchase_credits(coffer, actor, request_for(wallet.uuid, gateway="nope"))
