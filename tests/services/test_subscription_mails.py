"""E-mails about subscriptions that end: once, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from db.models.notifications import Notification
from domain.notifications import NotificationKind
from services.mailing import write_mail
from services.notifications import set_preferences
from services.subscriptions import cancel_subscription
from tests.services.test_subscriptions import ACTIVE, CANCELLED, PAST_DUE, PENDING, begun, paid, tell

if TYPE_CHECKING:
    from domain.subscriptions import SubscriptionStatus
    from services.coffer import Coffer


@pytest.mark.parametrize(
    ("was", "event"), [(PAST_DUE, "unpaid"), (ACTIVE, "elsewhere"), (None, "asked"), (PENDING, None)]
)
async def test_the_owner_is_told_once_that_it_ended(
    coffer: Coffer, was: SubscriptionStatus | None, event: str | None
) -> None:
    """After declined renewals, at the provider, and at the owner's wish; one that nobody paid ends in silence."""
    actor, row, first = await begun(coffer)
    await set_preferences(coffer, actor, row.wallet_uuid, "ann@example.com", [NotificationKind.SUBSCRIPTION])
    if was is not PENDING:
        await tell(coffer, first, paid(first), status=was or ACTIVE)
    if was is None:
        await cancel_subscription(coffer, actor, row.uuid)
    for _ in range(2):
        await tell(coffer, first, status=CANCELLED)
    async with coffer.database.reading() as session:
        told = list(await session.scalars(select(Notification)))
    assert [one.facts["event"] for one in told] == ([event] if event else [])


async def test_the_owner_is_told_of_an_unpaid_one_that_was_cancelled(coffer: Coffer) -> None:
    """Nothing has to be asked of the provider, and the mail says what was cancelled."""
    actor, row, _ = await begun(coffer)
    await set_preferences(coffer, actor, row.wallet_uuid, "ann@example.com", None)
    await cancel_subscription(coffer, actor, row.uuid)
    async with coffer.database.reading() as session:
        [told] = await session.scalars(select(Notification))
    body = write_mail(told, "Billing <b@coffer.example>").get_body(("plain",))
    assert body is not None
    assert "5,500 credits a month for ₹602.00" in body.get_content()
