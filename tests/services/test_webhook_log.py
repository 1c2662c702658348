"""The log of providers' messages: what owners see of each, and running dead ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidState, NotFound
from domain.jobs import LONGEST_RETRY_SECONDS, MAX_ATTEMPTS
from domain.pages import Page
from domain.purchases import PurchaseStatus
from domain.webhooks import WebhookState
from gateways.base import EventKind, WebhookEvent
from services import webhooks
from services.jobs import run_job
from services.purchases import retry_purchase
from services.settlement import handle_gateway_event
from services.webhooks import Intake, list_webhook_events, purge_messages, replay_webhook
from tests.builders import owner_of
from tests.services.job_steps import breaks, claim
from tests.services.purchase_steps import paid
from tests.services.test_settlement import apply, bought, payment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.jobs import Handler
    from tests.services.job_steps import Clock

BROKEN = {"gateway.event": breaks}
REAL = {"gateway.event": handle_gateway_event}


async def arrive(coffer: Coffer, order_id: str, event_id: str = "e-1", kind: EventKind = EventKind.OTHER) -> None:
    """Let a message arrive, by default one that nothing has to be done about."""
    event = WebhookEvent(event_id, "thing.happened", order_id, kind)
    assert await Intake(coffer).receive("simulated", event, b"{}")


async def log(coffer: Coffer, actor: Actor, **words: object) -> list[tuple[str, str, int, str | None]]:
    """Provider's id, state, attempts and verdict of each message."""
    gateway, state = words.get("gateway"), words.get("state")
    rows = await list_webhook_events(coffer, actor, gateway, state, Page(50, None))  # type: ignore[arg-type]
    return [(row.event_id, row.state.name, row.attempts, row.verdict) for row in rows]


async def work(coffer: Coffer, clock: Clock, handlers: Mapping[str, Handler], *, times: int = 1) -> None:
    """Attempt what is due of the messages' jobs, so often, with the longest wait before each."""
    for _ in range(times):
        clock.move(LONGEST_RETRY_SECONDS)
        for job in await claim(coffer):
            if job.kind == "gateway.event":
                await run_job(coffer, handlers, job)


async def test_a_message_is_shown_from_its_arrival_to_its_verdict(timed: Coffer, clock: Clock) -> None:
    """It waits, fails once with its error in the log, and is processed after the second attempt."""
    actor, _ = await paid(timed)
    await arrive(timed, "order-1")
    assert await log(timed, actor) == [("e-1", "WAITING", 0, None)]
    await work(timed, clock, BROKEN)
    [row] = await list_webhook_events(timed, actor, None, None, Page(50, None))
    assert (row.state, row.attempts, "the line is dead" in str(row.last_error)) == (WebhookState.WAITING, 1, True)
    await work(timed, clock, REAL)
    assert await log(timed, actor) == [("e-1", "PROCESSED", 2, "ignored")]


async def test_a_dead_message_is_replayed(timed: Coffer, clock: Clock) -> None:
    """After its last attempt it is dead; replayed it waits again, and only then can it not be replayed."""
    actor, _ = await paid(timed)
    await arrive(timed, "order-1")
    await work(timed, clock, BROKEN, times=MAX_ATTEMPTS)
    [dead] = await list_webhook_events(timed, actor, None, WebhookState.DEAD, Page(50, None))
    replayed = await replay_webhook(timed, actor, dead.id)
    assert (replayed.state, replayed.attempts) == (WebhookState.WAITING, 0)
    with pytest.raises(InvalidState):
        await replay_webhook(timed, actor, dead.id)
    with pytest.raises(NotFound):
        await replay_webhook(timed, await owner_of(timed, "another"), dead.id)


async def test_the_log_is_read_by_gateway_and_state(coffer: Coffer) -> None:
    """A filter leaves out what does not fit, and the newest comes first."""
    actor, _ = await paid(coffer)
    await arrive(coffer, "order-1")
    await arrive(coffer, "order-1", "e-2")
    assert [row[0] for row in await log(coffer, actor)] == ["e-2", "e-1"]
    assert [row[0] for row in await log(coffer, actor, state=WebhookState.WAITING)] == ["e-2", "e-1"]
    assert await log(coffer, actor, state=WebhookState.PROCESSED) == []
    assert await log(coffer, actor, gateway="stripe") == []


async def test_a_message_about_an_earlier_attempt_has_its_project(coffer: Coffer) -> None:
    """After a retry, what is told of the first order is shown to the purchase's owners."""
    actor, purchase = await bought(coffer)
    await apply(coffer, payment_of(purchase, PurchaseStatus.FAILED))
    second = await retry_purchase(coffer, actor, purchase.uuid, "again")
    await apply(coffer, payment_of(second))
    await apply(coffer, payment_of(purchase))
    await arrive(coffer, "order-2")
    await arrive(coffer, "order-1", "e-2")
    assert [row[0] for row in await log(coffer, actor)] == ["e-1"]


async def test_a_message_that_came_first_gets_its_project_later(timed: Coffer, clock: Clock) -> None:
    """A refund that is told before its purchase's order is known belongs to nobody until it was tried again."""
    actor = await owner_of(timed)
    await arrive(timed, "order-1", kind=EventKind.REFUND)
    await work(timed, clock, REAL)
    assert await log(timed, actor) == []
    await paid(timed)
    await work(timed, clock, REAL)
    assert [row[0] for row in await log(timed, actor)] == ["e-1"]


async def test_old_messages_are_forgotten(timed: Coffer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acted on goes after its days, in batches; what is dead or young stays."""
    monkeypatch.setattr(webhooks, "PURGE_MESSAGES", 2)
    actor, _ = await paid(timed)
    await arrive(timed, "order-1", "dead")
    await work(timed, clock, BROKEN, times=MAX_ATTEMPTS)
    for number in range(3):
        await arrive(timed, "order-1", f"done-{number}")
    await work(timed, clock, REAL)
    await purge_messages(timed, 180)
    assert len(await log(timed, actor)) == 4
    clock.move(181 * 24 * 3_600)
    await purge_messages(timed, 180)
    assert [(row[0], row[1]) for row in await log(timed, actor)] == [("dead", "DEAD")]


async def test_a_message_that_comes_after_it_was_forgotten_grants_nothing(timed: Coffer, clock: Clock) -> None:
    """The purchase knows its payment, so the message is acted on anew and changes nothing."""
    actor, purchase = await paid(timed)
    await arrive(timed, "order-1")
    await work(timed, clock, REAL)
    clock.move(181 * 24 * 3_600)
    await purge_messages(timed, 180)
    await arrive(timed, "order-1")
    assert await apply(timed, payment_of(purchase, payment_id=f"pay-{purchase.uuid}")) == "known"
    assert [row[0] for row in await log(timed, actor)] == ["e-1"]
