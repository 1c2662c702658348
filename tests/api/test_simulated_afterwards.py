"""What a buyer or a bank does after the payment, by the buttons of the simulated provider's page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.test_payments import until
from tests.api.test_providers import until_balance
from tests.api.test_subscriptions import CANCEL, READ, start, until_status

if TYPE_CHECKING:
    from runtime.settings import Settings
    from tests.api.client import Client
    from tests.api.conftest import Api

DISPUTES = "{ disputes { nodes { status frozenCredits } } }"
PURCHASES = "query($id: ID!) { purchases(subscriptionId: $id) { nodes { status } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings under which no order pays itself during a test."""
    return replace(settings, simulated_delay_ms=3_600_000)


async def press(client: Client, page: str, action: str, method: str = "CREDIT_CARD") -> str:
    """Press a button of the page; what the page says then."""
    answer = await client.http.post(page, data={"action": action, "method": method})
    assert answer.status_code == 303
    return (await client.http.get(page)).text


async def statuses(client: Client, subscription: str) -> list[str]:
    return [row["status"] for row in (await client.run(PURCHASES, id=subscription))["nodes"]]


async def test_a_subscription_by_its_page(api: Api) -> None:
    """Paid, it is active; a renewal grants again, a declined one is a failed purchase; cancelled, it offers none."""
    client = await api.client()
    wallet, begun = await start(client, "simulated")
    page, name = begun["purchase"]["checkoutUrl"], begun["subscription"]["id"]
    assert "Renews every month" in await press(client, page, "pay")
    await until_status(client, name, "ACTIVE")
    await press(client, page, "renew")
    await until_balance(client, wallet, 11_000)
    await press(client, page, "decline")
    await until_status(client, name, "PAST_DUE")
    assert await statuses(client, name) == ["FAILED", "SUCCESS", "SUCCESS"]
    assert "subscription is cancelled" in await press(client, page, "cancel")
    assert (await until_status(client, name, "CANCELLED"))["paidUntil"] is not None


async def test_a_subscription_that_is_cancelled_here(api: Api) -> None:
    """A call of cancelSubscription ends it at the provider, whose page then offers no renewal."""
    client = await api.client()
    _, begun = await start(client, "simulated")
    page, name = begun["purchase"]["checkoutUrl"], begun["subscription"]["id"]
    await press(client, page, "pay")
    await until(client, begun["purchase"]["id"], "SUCCESS")
    assert (await client.run(CANCEL, id=name))["errors"] == []
    await until_status(client, name, "CANCELLED")
    assert 'value="renew"' not in (await client.http.get(page)).text
    found: dict[str, Any] = await client.run(READ, id=name)
    assert found["status"] == "CANCELLED"


@pytest.mark.parametrize(("end", "credits", "says"), [("win", 5_500, "money stays"), ("lose", 0, "money went back")])
async def test_a_dispute_by_its_buttons(api: Api, end: str, credits: int, says: str) -> None:
    """The button freezes the credits; won, they come back; lost, the purchase is refunded."""
    client = await api.client()
    wallet, begun = await start(client, "simulated")
    page = begun["purchase"]["checkoutUrl"]
    assert 'value="dispute"' in await press(client, page, "pay")
    await until_balance(client, wallet, 5_500)
    assert "asks the money back" in await press(client, page, "dispute")
    await until_balance(client, wallet, 0)
    assert (await client.run(DISPUTES))["nodes"] == [{"status": "OPEN", "frozenCredits": 5_500}]
    shown = await press(client, page, end)
    assert says in shown
    assert 'value="dispute"' not in shown
    await until(client, begun["purchase"]["id"], "SUCCESS" if end == "win" else "REFUNDED")
    await until_balance(client, wallet, credits)
