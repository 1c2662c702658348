"""The money books: sales, refunds and recognised revenue, exact to the paisa."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.migrate import upgrade
from db.reconcile import reconcile
from domain.refunds import DisputeStatus, RefundStatus
from services.books import list_accounts, recognise_revenue
from services.holds import capture_hold, hold, release_hold
from services.refunds import list_refunds, refund_purchase
from services.requests import CaptureRequest, HoldRequest
from services.spending import consume
from tests.builders import spend_of
from tests.services.planting import unnoticed
from tests.services.purchase_steps import paid
from tests.services.reversal_steps import ALL, TOTAL, dispute_of, refund_of, tell
from tests.services.test_settlement import apply, payment_of

if TYPE_CHECKING:
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer


async def balances(coffer: Coffer, actor: Actor) -> dict[str, int]:
    """Each account's balance after revenue was recognised; they must add up to 0."""
    await recognise_revenue(coffer)
    lines = await list_accounts(coffer, actor)
    assert {type(line.balance_minor) for line in lines} <= {int}
    assert sum(line.balance_minor for line in lines) == 0
    return {line.account.name: line.balance_minor for line in lines if line.balance_minor}


async def broken(database_url: str) -> list[str]:
    """The promises that do not hold."""
    return [check["promise"] for check in (await reconcile(database_url))["checks"] if check["violations"]]


async def end_refunds(coffer: Coffer, actor: Actor, purchase: Purchase, *ends: RefundStatus) -> None:
    """Tell of every refund what the provider made of it, one word after the other."""
    for refund in await list_refunds(coffer, actor, purchase.uuid, ALL):
        for end in ends:
            await tell(coffer, purchase, refund_of(f"r-{refund.id}", refund.total_minor, end, refund.uuid.hex))


async def spend(coffer: Coffer, actor: Actor, purchase: Purchase, credits: int) -> None:
    """Use that many credits of the purchase's wallet."""
    await consume(coffer, actor, spend_of(purchase.wallet_uuid, "API_BASIC_REQUEST", units=credits))


async def test_a_sale_is_booked_in_its_commit(coffer: Coffer) -> None:
    """602 rupees at the gateway are 500 deferred, 90 GST and 12 fee, however often the payment is told."""
    actor, purchase = await paid(coffer)
    await apply(coffer, payment_of(purchase, payment_id=f"pay-{purchase.uuid}"))
    assert await balances(coffer, actor) == {
        "GATEWAY_CLEARING": 60_200,
        "DEFERRED_REVENUE": -50_000,
        "GST_PAYABLE": -9_000,
        "FEE_INCOME": -1_200,
    }


async def test_revenue_follows_the_bought_credits(coffer: Coffer) -> None:
    """The bonus of 500 is used first and earns nothing; then each credit earns 10 paise, and all of them the amount."""
    actor, purchase = await paid(coffer)
    earned = []
    for credits in (500, 1, 1_999, 3_000):
        await spend(coffer, actor, purchase, credits)
        earned.append(-(await balances(coffer, actor)).get("REVENUE", 0))
    assert earned == [0, 10, 20_000, 50_000]


async def test_an_odd_amount_is_recognised_to_the_last_paisa(coffer: Coffer) -> None:
    """150.07 rupees buy 1,500 credits: parts are rounded, the sum is not."""
    actor, purchase = await paid(coffer, pack_code=None, amount_minor=15_007)
    await spend(coffer, actor, purchase, 777)
    assert (await balances(coffer, actor))["REVENUE"] == -7_774
    await spend(coffer, actor, purchase, 723)
    assert (await balances(coffer, actor)).get("DEFERRED_REVENUE") is None


async def test_held_credits_earn_when_they_are_captured(coffer: Coffer) -> None:
    """An open hold earns what is captured of it; what goes back earns nothing."""
    actor, purchase = await paid(coffer, pack_code="PACK_150")
    held = await hold(coffer, actor, HoldRequest(purchase.wallet_uuid, "h", 1_000))
    found = [(await balances(coffer, actor)).get("REVENUE", 0)]
    await capture_hold(coffer, actor, CaptureRequest(held.hold.uuid, "c", credits=300, final=False))
    found.append((await balances(coffer, actor))["REVENUE"])
    await release_hold(coffer, actor, held.hold.uuid, "r")
    found.append((await balances(coffer, actor))["REVENUE"])
    assert found == [0, -3_000, -3_000]


async def test_a_refund_takes_amount_tax_and_fee_back(coffer: Coffer) -> None:
    """Its parts leave their accounts when it begins, and the gateway when it is sent; nothing is left of the sale."""
    actor, purchase = await paid(coffer)
    for part, key in ((12_345, "a"), (None, "b")):
        await refund_purchase(coffer, actor, purchase.uuid, part, key)
    assert await balances(coffer, actor) == {"GATEWAY_CLEARING": 60_200, "REFUNDS": -60_200}
    await end_refunds(coffer, actor, purchase, RefundStatus.SUCCEEDED)
    assert await balances(coffer, actor) == {}


@pytest.mark.parametrize("ends", [[RefundStatus.FAILED], [RefundStatus.SUCCEEDED, RefundStatus.FAILED]])
async def test_a_refund_that_fails_is_undone(coffer: Coffer, database_url: str, ends: list[RefundStatus]) -> None:
    """When the provider refuses, or the money comes back after it was sent, every account stands as before."""
    actor, purchase = await paid(coffer)
    before = await balances(coffer, actor)
    await refund_purchase(coffer, actor, purchase.uuid, 10_001, "a")
    await end_refunds(coffer, actor, purchase, *ends)
    assert await balances(coffer, actor) == before
    assert await broken(database_url) == []


async def test_refunding_used_credits_takes_their_revenue_back(coffer: Coffer, database_url: str) -> None:
    """A whole refund of a half used purchase leaves no revenue; the next purchase pays the debt and earns it."""
    actor, purchase = await paid(coffer, pack_code="PACK_150")
    await spend(coffer, actor, purchase, 600)
    assert (await balances(coffer, actor))["REVENUE"] == -6_000
    await refund_purchase(coffer, actor, purchase.uuid, None, "all")
    assert "REVENUE" not in await balances(coffer, actor)
    await paid(coffer, purchase.wallet_uuid, "again", pack_code="PACK_150")
    assert (await balances(coffer, actor))["REVENUE"] == -6_000
    assert await broken(database_url) == []


@pytest.mark.parametrize(
    ("end", "revenue"), [(None, -9_000), (DisputeStatus.WON, -9_000), (DisputeStatus.LOST, 0)], ids=str
)
async def test_a_dispute_earns_and_loses_nothing_until_it_is_lost(
    coffer: Coffer, database_url: str, end: DisputeStatus | None, revenue: int
) -> None:
    """What was used stays earned while a dispute is open and when it is won; what is frozen stays deferred."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 1_400)
    before = await balances(coffer, actor)
    await tell(coffer, purchase, dispute_of(DisputeStatus.OPEN))
    assert await balances(coffer, actor) == before
    if end:
        await tell(coffer, purchase, dispute_of(end))
    after = await balances(coffer, actor)
    assert after.get("REVENUE", 0) == revenue
    assert after.get("GATEWAY_CLEARING", 0) == (0 if end is DisputeStatus.LOST else TOTAL)
    assert await broken(database_url) == []


async def test_a_payment_too_many_is_owed_until_it_is_sent(coffer: Coffer, database_url: str) -> None:
    """It stands at the gateway and with the refunds, and changes neither revenue nor GST."""
    actor, purchase = await paid(coffer)
    before = await balances(coffer, actor)
    await apply(coffer, payment_of(purchase, payment_id="pay-2", order_id="order-2"))
    after = await balances(coffer, actor)
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == {
        "GATEWAY_CLEARING": 60_200,
        "REFUNDS": -60_200,
    }
    assert await broken(database_url) == []


async def test_recognition_in_many_processes_at_once_counts_once(coffer: Coffer, database_url: str) -> None:
    """Concurrent rounds and spends end with the revenue of the used credits."""
    actor, purchase = await paid(coffer)
    spends = [spend(coffer, actor, purchase, 100) for _ in range(20)]
    await asyncio.gather(*spends, *(recognise_revenue(coffer) for _ in range(4)))
    assert (await balances(coffer, actor))["REVENUE"] == -15_000
    assert await broken(database_url) == []


async def test_nobody_changes_an_entry(coffer: Coffer, database_url: str) -> None:
    """Not even the owner of the tables may update or delete one."""
    await paid(coffer)
    admin = await asyncpg.connect(database_url)
    for change in ("update money_entry set amount_minor = 1", "delete from money_entry", "truncate money_entry"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await admin.execute(change)
    await admin.close()


PLANTED = {
    "update money_entry set amount_minor = 49999 where credit = 2": "every sale is in the money books once, in full",
    "delete from money_entry where kind = 1 and credit = 4": "every sale is in the money books once, in full",
    "update money_entry set amount_minor = 1 where kind = 2 and debit = 5": (
        "every refund is in the money books once, and ends as it did"
    ),
    "update purchase set refunded_minor = 777": "a refunded amount is the sum of its refunds",
    "insert into money_entry (project_id, purchase_id, kind, debit,"
    " credit, amount_minor, currency, source) select project_id, id, 7, 6, 1, 5, currency, 'x' from purchase": (
        "the gateways hold what was paid less what went back"
    ),
    "update money_entry set amount_minor = 1 where kind = 5": "recognised revenue is what the used credits cost",
    "update revenue set earned_minor = earned_minor + 1": "recognised revenue is what the used credits cost",
    "update money_entry set debit = 3, credit = 4 where kind = 5": "no purchase owes more credits than were paid for",
}


async def test_reconcile_finds_what_was_planted(coffer: Coffer, database_url: str) -> None:
    """Each change by somebody with all rights breaks the promise about it, and without one every promise holds."""
    actor, purchase = await paid(coffer)
    await spend(coffer, actor, purchase, 700)
    await refund_purchase(coffer, actor, purchase.uuid, 10_000, "r")
    await recognise_revenue(coffer)
    assert await unnoticed(database_url, PLANTED) == []
    assert await broken(database_url) == []


async def test_older_sales_are_booked_when_the_engine_is_installed(coffer: Coffer, database_url: str) -> None:
    """A database that sold and refunded before there were books gets them, once."""
    actor, purchase = await paid(coffer)
    await refund_purchase(coffer, actor, purchase.uuid, 12_345, "r")
    before = await balances(coffer, actor)
    admin = await asyncpg.connect(database_url)
    await admin.execute("set session_replication_role = replica; truncate money_entry, revenue")
    for _ in range(2):
        await admin.execute("comment on schema ledger is 'older'")
        await asyncio.to_thread(upgrade, database_url)
        assert await balances(coffer, actor) == before
    await admin.close()


async def test_refunds_and_recognition_never_block_each_other(coffer: Coffer, database_url: str) -> None:
    """Refunds of one wallet's purchases and rounds of recognition at once all succeed, and the books are right."""
    actor, purchase = await paid(coffer)
    parts = [refund_purchase(coffer, actor, purchase.uuid, 1_000, f"r{n}") for n in range(10)]
    await asyncio.gather(*parts, *(recognise_revenue(coffer) for _ in range(10)))
    assert (await balances(coffer, actor))["DEFERRED_REVENUE"] == -40_000
    assert await broken(database_url) == []
