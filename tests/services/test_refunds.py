"""Refunds, whoever begins them and in whatever order they are told: the credits follow the money."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from db.reconcile import reconcile
from domain.errors import DomainError, InvalidState
from domain.happenings import Happening
from domain.jobs import Queue
from domain.refunds import RefundStatus as R
from services import happenings
from services.jobs import RetryLater, list_jobs
from services.purchases import get_purchase
from services.refunds import list_refunds, refund_purchase
from services.reversals import ReversalMismatch
from tests.services.purchase_steps import paid
from tests.services.reversal_steps import ALL, TOTAL, balance, refund_of, refund_rows, spend, tell

if TYPE_CHECKING:
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer


async def status_of(coffer: Coffer, actor: Actor, purchase: Purchase) -> tuple[str, int]:
    row = await get_purchase(coffer, actor, purchase.uuid)
    assert row is not None
    return row.status.name, row.refunded_minor


async def asked(coffer: Coffer, actor: Actor, purchase: Purchase, amount: int | None, key: str = "k") -> str:
    """Ask for a refund; our reference of it."""
    await refund_purchase(coffer, actor, purchase.uuid, amount, key)
    return (await list_refunds(coffer, actor, purchase.uuid, ALL))[0].uuid.hex


async def test_a_refund_that_others_began_takes_its_credits(coffer: Coffer, database_url: str) -> None:
    """A fifth of the money back at the dashboard takes a fifth of the credits, told once or thrice."""
    actor, purchase = await paid(coffer)
    words = [await tell(coffer, purchase, refund_of("r-1", 12_040)) for _ in range(3)]
    assert words == ["refund succeeded"] * 3
    assert await balance(coffer, actor, purchase) == (4_400, 0)
    assert await refund_rows(coffer, actor, purchase) == [("PROVIDER", "SUCCEEDED", 12_040, 1_100)]
    assert await status_of(coffer, actor, purchase) == ("SUCCESS", 10_000)
    assert (await reconcile(database_url))["violations"] == 0


async def test_all_of_it_back_is_a_refunded_purchase(coffer: Coffer) -> None:
    """The rest as a second refund of the provider's ends in REFUNDED, and what was spent is owed."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 50)
    await tell(coffer, purchase, refund_of("r-1", 12_040), refund_of("r-2", TOTAL - 12_040))
    assert await balance(coffer, actor, purchase) == (0, 1_000)
    assert await status_of(coffer, actor, purchase) == ("REFUNDED", 50_000)


@pytest.mark.parametrize("order", list(permutations([R.PENDING, R.SUCCEEDED, R.PENDING])))
async def test_the_order_in_which_a_refund_is_told_does_not_matter(coffer: Coffer, order: tuple[R, ...]) -> None:
    """Pending news after the success change nothing."""
    actor, purchase = await paid(coffer)
    reference = await asked(coffer, actor, purchase, None)
    for status in order:
        await tell(coffer, purchase, refund_of("r-1", TOTAL, status, reference))
    assert await refund_rows(coffer, actor, purchase) == [("PROJECT", "SUCCEEDED", TOTAL, 5_500)]
    assert await status_of(coffer, actor, purchase) == ("REFUNDED", 50_000)


@pytest.mark.parametrize("first", [R.PENDING, R.SUCCEEDED])
async def test_a_refund_that_fails_late_gives_the_credits_back(coffer: Coffer, database_url: str, first: R) -> None:
    """A refund that was pending, or had even succeeded, and then fails leaves wallet and purchase as they were."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 50)
    reference = await asked(coffer, actor, purchase, None)
    assert await balance(coffer, actor, purchase) == (0, 1_000)
    for status in (first, R.FAILED, R.FAILED):
        await tell(coffer, purchase, refund_of("r-1", TOTAL, status, reference))
    assert await balance(coffer, actor, purchase) == (4_500, 0)
    assert await status_of(coffer, actor, purchase) == ("SUCCESS", 0)
    assert await refund_rows(coffer, actor, purchase) == [("PROJECT", "FAILED", TOTAL, 5_500)]
    assert (await reconcile(database_url))["violations"] == 0


async def test_a_pending_refund_is_watched(coffer: Coffer) -> None:
    """One job asks about it, however often it is told that it is pending."""
    actor, purchase = await paid(coffer)
    for number in range(2):
        await tell(coffer, purchase, refund_of(f"r-{number}", 1_000, R.PENDING))
    jobs = await list_jobs(coffer, actor, None, ALL)
    assert [job.kind for job in jobs].count("purchase.reversals") == 1


async def test_many_refunds_at_once_never_exceed_the_payment(coffer: Coffer, database_url: str) -> None:
    """Twenty requests of 3,000 paise and ten refunds of the provider: sixteen parts fit, and the rest is told so."""
    actor, purchase = await paid(coffer)

    async def ours(number: int) -> bool:
        try:
            await refund_purchase(coffer, actor, purchase.uuid, 3_000, f"k-{number}")
        except DomainError:
            return False
        return True

    async def theirs(number: int) -> bool:
        try:
            return await tell(coffer, purchase, refund_of(f"r-{number}", 3_612)) == "refund succeeded"
        except RetryLater:
            return False

    done = await asyncio.gather(*(ours(number) for number in range(20)), *(theirs(number) for number in range(10)))
    assert sum(done) == 16
    assert await status_of(coffer, actor, purchase) == ("SUCCESS", 48_000)
    assert (await reconcile(database_url))["violations"] == 0


async def test_money_that_went_back_twice_takes_the_credits_once(coffer: Coffer, database_url: str) -> None:
    """When the dashboard gave back what we have just asked for, theirs waits until ours is refused, and then counts."""
    actor, purchase = await paid(coffer)
    reference = await asked(coffer, actor, purchase, None)
    with pytest.raises(RetryLater):
        await tell(coffer, purchase, refund_of("r-1", TOTAL))
    await tell(coffer, purchase, refund_of("", TOTAL, R.FAILED, reference))
    await tell(coffer, purchase, refund_of("r-1", TOTAL))
    assert await balance(coffer, actor, purchase) == (0, 0)
    assert await status_of(coffer, actor, purchase) == ("REFUNDED", 50_000)
    assert (await reconcile(database_url))["violations"] == 0


async def test_more_than_was_paid_takes_no_more_than_was_given(coffer: Coffer) -> None:
    """A provider that gives back a surcharge of its own as well takes 5,500 credits, and another refund nothing."""
    actor, purchase = await paid(coffer)
    assert await tell(coffer, purchase, refund_of("r-1", 61_000)) == "refund succeeded"
    assert await tell(coffer, purchase, refund_of("r-2", 500)) == "more than was paid"
    assert await refund_rows(coffer, actor, purchase) == [("PROVIDER", "SUCCEEDED", TOTAL, 5_500)]


async def test_a_refund_that_had_failed_and_went_through_is_for_somebody_to_look_at(coffer: Coffer) -> None:
    """The credits are back in the wallet, so the contradiction ends in a dead job instead of silence."""
    actor, purchase = await paid(coffer)
    reference = await asked(coffer, actor, purchase, None)
    await tell(coffer, purchase, refund_of("", TOTAL, R.FAILED, reference))
    with pytest.raises(ReversalMismatch):
        await tell(coffer, purchase, refund_of("r-1", TOTAL, R.SUCCEEDED, reference))


async def test_nothing_left_to_refund_is_told(coffer: Coffer) -> None:
    """While all of it is on its way, another refund is INVALID_STATE; after that the purchase is REFUNDED."""
    actor, purchase = await paid(coffer)
    await asked(coffer, actor, purchase, None)
    with pytest.raises(InvalidState, match="on its way back"):
        await refund_purchase(coffer, actor, purchase.uuid, None, "again")


async def test_followers_hear_of_each_change_once(coffer: Coffer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows a happening gets one job for it, with the refund that it is about."""
    actor, purchase = await paid(coffer)
    follower = (Queue.INVOICE_GENERATE, "test.follow")
    followed = (Happening.REFUND_REQUESTED, Happening.REFUND_SUCCEEDED, Happening.REFUND_FAILED)
    for happening in followed:
        monkeypatch.setitem(happenings.FOLLOWERS, happening, (follower,))
    for status in (R.SUCCEEDED, R.SUCCEEDED, R.FAILED, R.FAILED):
        await tell(coffer, purchase, refund_of("r-1", TOTAL, status))
    jobs = [job for job in await list_jobs(coffer, actor, None, ALL) if job.kind == "test.follow"]
    assert [job.payload["happening"] for job in reversed(jobs)] == list(followed)
    assert len({(job.payload["purchase"], job.payload["refund"]) for job in jobs}) == 1
