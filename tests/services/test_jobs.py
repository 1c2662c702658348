"""The outbox: asking for work, and one attempt at a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from db import jobs as queries
from domain.jobs import LONGEST_RETRY_SECONDS, MAX_ATTEMPTS, JobState, Queue
from domain.pages import Page
from services import jobs as job_service
from services.jobs import (
    enqueue,
    list_jobs,
    replay_job,
)
from tests.services.job_steps import (
    Clock,
    adds_job,
    ask,
    attempt,
    breaks,
    claim,
    fail_until_dead,
    only_job,
    waits,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.database import Session
    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.jobs import Effect


async def test_a_job_of_a_rolled_back_act_does_not_exist(coffer: Coffer, actor: Actor) -> None:
    """Work is asked for in the business transaction, so it vanishes with it."""
    async with coffer.database.rehearsal() as session:
        await enqueue(coffer, session, (Queue.WALLET_CREDIT, "work", {"project_id": actor.project_id}))
    assert await list_jobs(coffer, actor, None, Page(10, None)) == []


async def test_one_open_job_per_key(coffer: Coffer, actor: Actor) -> None:
    """Asking twice with one key leaves one job, and asking again after it is done makes another."""
    await ask(coffer, actor, key="sweep")
    await ask(coffer, actor, key="sweep")
    assert len(await list_jobs(coffer, actor, None, Page(10, None))) == 1
    await attempt(coffer, {"work": adds_job("effect")})
    await ask(coffer, actor, key="sweep")
    ready = await list_jobs(coffer, actor, JobState.READY, Page(10, None))
    assert sorted(job.kind for job in ready) == ["effect", "work"]


async def test_a_delayed_job_is_not_due_before_its_time(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A job with a delay can be claimed when the delay has passed and not before."""
    async with timed.database.transaction() as session:
        work = (Queue.PAYMENT_PROCESSING, "work", {"project_id": actor.project_id})
        await enqueue(timed, session, work, delay_seconds=30)
    assert await claim(timed) == []
    clock.move(30)
    assert len(await claim(timed)) == 1


async def test_claim_takes_no_more_than_its_limit(coffer: Coffer, actor: Actor) -> None:
    """Of many due jobs a claim takes as many as were asked for."""
    for _ in range(5):
        await ask(coffer, actor)
    assert [len(await claim(coffer, 3)), len(await claim(coffer, 3))] == [3, 2]


async def test_effect_and_done_commit_together(coffer: Coffer, actor: Actor) -> None:
    """A successful attempt leaves its effect and a job that is done."""
    await ask(coffer, actor)
    await attempt(coffer, {"work": adds_job("effect")})
    jobs = await list_jobs(coffer, actor, None, Page(10, None))
    assert [(job.kind, job.state) for job in jobs] == [("effect", JobState.READY), ("work", JobState.DONE)]


async def test_an_effect_that_raises_leaves_nothing(coffer: Coffer, actor: Actor) -> None:
    """What an effect wrote before it raised is rolled back, and the job waits for its next attempt."""

    async def handler(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        async def effect(session: Session) -> None:
            await (await adds_job("effect")(coffer, payload))(session)
            raise ValueError("half way")

        return effect

    await ask(coffer, actor)
    await attempt(coffer, {"work": handler})
    job = await only_job(coffer, actor)
    assert (job.state, job.last_error) == (JobState.READY, "ValueError('half way')")


async def test_an_effect_whose_job_can_not_be_marked_done_leaves_nothing(
    coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the job can't be marked as done, its effect is rolled back with the mark."""

    async def lost(*_arguments: object) -> None:
        raise ConnectionError("the database went away")

    monkeypatch.setattr(queries, "finish", lost)
    await ask(coffer, actor)
    await attempt(coffer, {"work": adds_job("effect")})
    assert (await only_job(coffer, actor)).state is JobState.READY


async def test_a_handler_that_hangs_is_cut_off(coffer: Coffer, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that takes longer than ATTEMPT_SECONDS fails like any other, while its lease still holds."""
    monkeypatch.setattr(job_service, "ATTEMPT_SECONDS", 0.05)

    async def handler(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
        await asyncio.Event().wait()
        raise AssertionError

    await ask(coffer, actor)
    await attempt(coffer, {"work": handler})
    job = await only_job(coffer, actor)
    assert (job.state, job.last_error) == (JobState.READY, "TimeoutError()")


async def test_a_failed_attempt_waits_longer_each_time(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """The wait before the next attempt doubles, within its jitter."""
    await ask(timed, actor)
    waits_seconds = []
    for _ in range(4):
        await attempt(timed, {"work": breaks})
        job = await only_job(timed, actor)
        waits_seconds.append((job.run_at - timed.clock()).total_seconds())
        clock.move(LONGEST_RETRY_SECONDS)
    for index, seconds in enumerate(waits_seconds):
        assert 2**index * 0.5 - 0.5 <= seconds <= 2**index


async def test_a_job_is_dead_after_its_last_attempt(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """After MAX_ATTEMPTS failures a job is dead, says why, and is not claimed again."""
    await ask(timed, actor)
    await fail_until_dead(timed, clock, {"work": breaks})
    job = await only_job(timed, actor)
    assert (job.state, job.attempts, job.last_error) == (
        JobState.DEAD,
        MAX_ATTEMPTS,
        "ConnectionError('the line is dead')",
    )
    assert await claim(timed) == []


async def test_a_replayed_job_is_done_once(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A dead job that is replayed runs again and has its effect once."""
    await ask(timed, actor)
    await fail_until_dead(timed, clock, {"work": breaks})
    dead = await only_job(timed, actor)
    replayed = await replay_job(timed, actor, dead.id)
    assert (replayed.state, replayed.attempts) == (JobState.READY, 0)
    await attempt(timed, {"work": adds_job("effect")})
    kinds = [job.kind for job in await list_jobs(timed, actor, JobState.READY, Page(10, None))]
    assert kinds == ["effect"]


async def test_a_job_of_an_unknown_kind_is_kept(coffer: Coffer, actor: Actor) -> None:
    """A job that no handler knows fails like any other instead of being lost."""
    await ask(coffer, actor, "from a newer version")
    await attempt(coffer, {})
    assert (await only_job(coffer, actor)).last_error == "KeyError('from a newer version')"


async def test_a_long_error_is_cut(coffer: Coffer, actor: Actor) -> None:
    """What is kept of an error is bounded."""

    async def handler(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
        raise ValueError("x" * 100_000)

    await ask(coffer, actor)
    await attempt(coffer, {"work": handler})
    assert len((await only_job(coffer, actor)).last_error or "") == queries.ERROR_CHARACTERS


async def test_retry_later_uses_up_no_attempt(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A job may find nothing to decide more often than it may fail, and then still has all its attempts."""
    await ask(timed, actor)
    for _ in range(MAX_ATTEMPTS + 3):
        await attempt(timed, {"work": waits})
        clock.move(LONGEST_RETRY_SECONDS)
    job = await only_job(timed, actor)
    assert (job.state, job.attempts, job.last_error) == (JobState.READY, 0, "still pending")


async def test_retry_later_waits_as_long_as_the_job_is_old(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A young job is asked again soon, an old one seldom."""
    await ask(timed, actor)
    clock.move(100)
    await attempt(timed, {"work": waits})
    job = await only_job(timed, actor)
    assert (job.run_at - timed.clock()).total_seconds() == pytest.approx(100, abs=2)
