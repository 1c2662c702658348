"""Asking about what went back of purchases, at certain ages and a few at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from db.models.refunds import ReversalSweep
from domain.pages import Page
from services import reversals
from services.jobs import list_jobs
from services.reversals import SWEPT_DAYS, sweep_reversals
from tests.services.purchase_steps import paid
from tests.services.test_settlement import bought

if TYPE_CHECKING:
    import pytest

    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock

DAY_SECONDS = 24 * 3_600


async def asked(coffer: Coffer, actor: Actor) -> list[str]:
    """The purchases about which providers are to be asked, in the order in which that was decided."""
    jobs = await list_jobs(coffer, actor, None, Page(100, None))
    return [job.payload["purchase"] for job in reversed(jobs) if job.kind == "purchase.reversals"]


async def test_every_age_has_its_place(coffer: Coffer) -> None:
    """The migration made a place for each age, so none of them is swept from the beginning of time."""
    async with coffer.database.reading() as session:
        assert set(await session.scalars(select(ReversalSweep.age_days))) == set(SWEPT_DAYS)


async def test_a_paid_purchase_is_asked_about_at_its_age(timed: Coffer, clock: Clock) -> None:
    """Not before it is a day old, then once however many rounds come; an unpaid one never."""
    actor, purchase = await paid(timed)
    await bought(timed)
    await sweep_reversals(timed)
    assert await asked(timed, actor) == []
    clock.move(DAY_SECONDS + 60)
    for _ in range(2):
        await sweep_reversals(timed)
    assert await asked(timed, actor) == [purchase.uuid.hex]


async def test_a_round_is_bounded(timed: Coffer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round takes a few of an age, and the next goes on behind them."""
    monkeypatch.setattr(reversals, "SWEPT_AT_ONCE", 2)
    made = [await paid(timed, key=f"buy-{number}") for number in range(3)]
    clock.move(DAY_SECONDS + 60)
    found = []
    for _ in range(2):
        await sweep_reversals(timed)
        found.append(await asked(timed, made[0][0]))
    uuids = [purchase.uuid.hex for _, purchase in made]
    assert found == [uuids[:2], uuids]


async def test_a_provider_that_is_gone_is_not_asked(timed: Coffer, clock: Clock) -> None:
    """Purchases of a provider that is not configured any more ask for nothing, and hold up no others."""
    actor, _ = await paid(timed)
    clock.move(DAY_SECONDS + 60)
    await sweep_reversals(replace(timed, gateways={}))
    await sweep_reversals(timed)
    assert await asked(timed, actor) == []
