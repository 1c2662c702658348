"""Purchases are looked at before the payment; what was stopped waits for a decision."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from domain.errors import InvalidState, PaymentBlocked
from domain.fraud import Client, FraudDecision
from domain.pages import Page
from domain.purchases import PaymentMethod, PurchaseStatus
from gateways.base import Payment
from services.fraud import list_events, review
from services.jobs import list_jobs
from services.purchases import list_purchases, purchase_credits, retry_purchase
from services.recharge_settings import get
from services.requests import PurchaseRequest
from services.settlement import apply_payment
from tests.builders import owner_of, wallet_with
from tests.services.recharge_steps import TERMS, Bank, dip, drain, recharging, with_bank

if TYPE_CHECKING:
    from db.models.fraud import FraudEvent
    from db.models.ledger import Wallet
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer

ABROAD = Client("203.0.113.7", "US", "phone-1", "Mozilla/5.0")
HOME = replace(ABROAD, country="IN")
LARGE = 1_000_001


def request_for(wallet: Wallet, key: str = "buy", **changes: object) -> PurchaseRequest:
    request = PurchaseRequest(wallet.uuid, None, 50_000, PaymentMethod.UPI, key, client=HOME)
    return replace(request, **changes)  # type: ignore[arg-type]


async def only_event(coffer: Coffer, actor: Actor) -> FraudEvent:
    [row] = await list_events(coffer, actor, None, None, Page(10, None))
    return row


async def paid_with(coffer: Coffer, purchase: Purchase, card: str) -> None:
    """Let a purchase be paid with a card."""
    words = ("o" + uuid4().hex, purchase.reference, "p" + uuid4().hex, PurchaseStatus.SUCCESS)
    payment = Payment(*words, purchase.quote.total_minor, "INR", card=card)
    async with coffer.database.transaction() as session:
        await apply_payment(coffer, session, "simulated", payment)


async def fail_purchases(coffer: Coffer, actor: Actor, wallet: Wallet) -> None:
    """Five purchases that fail."""
    for number in range(5):
        purchase = await purchase_credits(coffer, actor, request_for(wallet, key=f"failing-{number}"))
        words = (f"o{number}", purchase.reference, None, PurchaseStatus.FAILED, purchase.quote.total_minor, "INR")
        async with coffer.database.transaction() as session:
            await apply_payment(coffer, session, "bank", Payment(*words))


async def test_a_doubtful_purchase_is_stopped_and_explained(coffer: Coffer, actor: Actor) -> None:
    """A large amount from abroad is refused before any order; the event says why and from where."""
    wallet = await wallet_with(coffer, actor, 0)
    with pytest.raises(PaymentBlocked) as stopped:
        await purchase_credits(coffer, actor, request_for(wallet, amount_minor=LARGE, client=ABROAD))
    row = await only_event(coffer, actor)
    assert (stopped.value.points, stopped.value.event) == (75, row.uuid)
    assert (row.signals, row.decision.name) == ({"1": 45, "2": 30}, "REVIEW")
    assert (row.address, row.country, row.device, row.agent) == ("203.0.113.7", "US", "phone-1", "Mozilla/5.0")
    assert await list_purchases(coffer, actor, wallet.uuid, Page(10, None)) == []
    assert [job.kind for job in await list_jobs(coffer, actor, None, Page(10, None))] == ["fraud.event"]


async def test_an_approved_purchase_goes_on_and_no_other(coffer: Coffer, actor: Actor) -> None:
    """The same request passes after an approval; with another amount it is stopped still."""
    wallet = await wallet_with(coffer, actor, 0)
    request = request_for(wallet, amount_minor=LARGE, client=ABROAD)
    with pytest.raises(PaymentBlocked):
        await purchase_credits(coffer, actor, request)
    await review(coffer, actor, (await only_event(coffer, actor)).uuid, FraudDecision.APPROVED, "known customer")
    with pytest.raises(PaymentBlocked):
        await purchase_credits(coffer, actor, replace(request, amount_minor=9 * LARGE))
    assert (await purchase_credits(coffer, actor, request)).amount_minor == LARGE
    assert (await purchase_credits(coffer, actor, request)).amount_minor == LARGE


async def test_a_rejected_purchase_stays_stopped(coffer: Coffer, actor: Actor) -> None:
    """After a rejection the key is stopped for good, with one event however often it is tried."""
    wallet = await wallet_with(coffer, actor, 0)
    request = request_for(wallet, key="' or 1=1 --")
    for decision in (FraudDecision.REJECTED, FraudDecision.REJECTED):
        with pytest.raises(PaymentBlocked):
            await purchase_credits(coffer, actor, request)
        await review(coffer, actor, (await only_event(coffer, actor)).uuid, decision, None)


async def test_many_requests_with_one_key_are_one_event(coffer: Coffer, actor: Actor) -> None:
    """Eight at the same moment are all stopped, by one event."""
    wallet = await wallet_with(coffer, actor, 0)
    request = request_for(wallet, amount_minor=LARGE, client=ABROAD)
    answers = await asyncio.gather(
        *(purchase_credits(coffer, actor, request) for _ in range(8)), return_exceptions=True
    )
    assert {answer.event for answer in answers if isinstance(answer, PaymentBlocked)} == {
        (await only_event(coffer, actor)).uuid
    }


async def test_what_was_allowed_is_not_decided_on(coffer: Coffer, actor: Actor) -> None:
    """A purchase with too few points went on, so there is nothing to approve."""
    wallet = await wallet_with(coffer, actor, 0)
    await purchase_credits(coffer, actor, request_for(wallet, amount_minor=LARGE))
    row = await only_event(coffer, actor)
    assert (row.points, row.decision.name) == (45, "ALLOWED")
    with pytest.raises(InvalidState):
        await review(coffer, actor, row.uuid, FraudDecision.APPROVED, None)


async def test_card_testing_is_stopped(coffer: Coffer, actor: Actor) -> None:
    """Ten attempts in an hour of which five or more failed are stopped, whether purchases or retries."""
    wallet = await wallet_with(coffer, actor, 0)
    purchase = await purchase_credits(coffer, actor, request_for(wallet))
    for attempt in range(8):
        words = (f"o{attempt}", f"{purchase.uuid.hex}-{attempt + 1}", None, PurchaseStatus.FAILED, 60_200, "INR")
        async with coffer.database.transaction() as session:
            await apply_payment(coffer, session, "simulated", Payment(*words))
        await retry_purchase(coffer, actor, purchase.uuid, f"again-{attempt}")
    with pytest.raises(PaymentBlocked):
        await purchase_credits(coffer, actor, request_for(wallet, key="the tenth"))


async def test_one_device_and_card_of_many_wallets_are_stopped(coffer: Coffer, actor: Actor) -> None:
    """The fifth wallet that buys from one device, and has paid with one card, is stopped."""
    *others, last = [await wallet_with(coffer, actor, 0) for _ in range(4)]
    for wallet in (*others, last):
        client = HOME if wallet is not last else replace(HOME, device="another")
        purchase = await purchase_credits(coffer, actor, request_for(wallet, client=client))
        await paid_with(coffer, purchase, "card-1")
    with pytest.raises(PaymentBlocked):
        await purchase_credits(coffer, actor, request_for(last, key="more"))
    assert (await only_event(coffer, actor)).signals == {"5": 35, "6": 35}


async def test_the_same_device_in_another_project_says_nothing(coffer: Coffer, actor: Actor) -> None:
    """Projects do not see each other's devices."""
    for _ in range(3):
        await purchase_credits(coffer, actor, request_for(await wallet_with(coffer, actor, 0)))
    stranger = await owner_of(coffer, "another")
    wallet = await wallet_with(coffer, stranger, 0)
    await purchase_credits(coffer, stranger, request_for(wallet))
    assert await list_events(coffer, stranger, None, None, Page(10, None)) == []


async def test_a_doubtful_recharge_turns_auto_recharge_off(coffer: Coffer, actor: Actor) -> None:
    """A large recharge of a wallet with many failures is not charged, and says where to look."""
    bank = Bank(verdicts=[PurchaseStatus.FAILED] * 9)
    with_provider = with_bank(coffer, bank)
    terms = replace(TERMS, amount_minor=LARGE, monthly_limit_minor=5_000_000)
    wallet = await recharging(with_provider, actor, terms)
    await fail_purchases(with_provider, actor, wallet)
    await dip(with_provider, actor, wallet)
    await drain(with_provider)
    view = await get(with_provider, actor, wallet.uuid)
    assert view
    assert (view.settings.enabled, view.settings.disabled_reason) == (False, "Stopped as doubtful: see `fraudEvents`.")
    assert bank.calls == 0
