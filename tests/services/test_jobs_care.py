"""The outbox: looking after jobs that were abandoned, are dead, or are long done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db import jobs as queries
from domain.errors import AccessDenied, InvalidState, NotFound
from domain.jobs import LEASE_SECONDS, MAX_ATTEMPTS, JobState
from domain.pages import Page
from domain.permissions import Role
from services.jobs import (
    KEEP_DONE_DAYS,
    free_abandoned,
    list_jobs,
    purge_done,
    replay_job,
    run_job,
)
from tests.builders import owner_of
from tests.services.job_steps import (
    Clock,
    adds_job,
    ask,
    attempt,
    breaks,
    claim,
    does_nothing,
    fail_until_dead,
    only_job,
)

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


async def test_an_abandoned_job_runs_again_once(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A worker that dies after claiming loses the job when its lease passes, and the next attempt does it."""
    await ask(timed, actor)
    await claim(timed)
    await free_abandoned(timed)
    assert await claim(timed) == []
    clock.move(LEASE_SECONDS + 1)
    await free_abandoned(timed)
    await attempt(timed, {"work": adds_job("effect")})
    jobs = await list_jobs(timed, actor, None, Page(10, None))
    assert [(job.kind, job.state) for job in jobs] == [("effect", JobState.READY), ("work", JobState.DONE)]


async def test_an_attempt_that_outlived_its_lease_has_no_effect(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """When another attempt has taken over, the effect of the first is dropped."""
    await ask(timed, actor)
    [late] = await claim(timed)
    clock.move(LEASE_SECONDS + 1)
    await free_abandoned(timed)
    await attempt(timed, {"work": adds_job("second")})
    await run_job(timed, {"work": adds_job("first")}, late)
    jobs = await list_jobs(timed, actor, None, Page(10, None))
    assert [(job.kind, job.state) for job in jobs] == [("second", JobState.READY), ("work", JobState.DONE)]


async def test_a_late_failure_does_not_disturb_the_attempt_that_took_over(
    timed: Coffer, clock: Clock, actor: Actor
) -> None:
    """The failure of an attempt whose lease has passed leaves the job to its new owner."""
    await ask(timed, actor)
    [late] = await claim(timed)
    clock.move(LEASE_SECONDS + 1)
    await free_abandoned(timed)
    await claim(timed)
    await run_job(timed, {"work": breaks}, late)
    assert (await only_job(timed, actor)).state is JobState.RUNNING


async def test_a_job_that_kills_its_workers_ends_up_dead(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """A job that is abandoned MAX_ATTEMPTS times is dead instead of coming back for ever."""
    await ask(timed, actor)
    for _ in range(MAX_ATTEMPTS):
        await claim(timed)
        clock.move(LEASE_SECONDS + 1)
        await free_abandoned(timed)
    assert (await only_job(timed, actor)).state is JobState.DEAD


async def test_old_done_jobs_are_forgotten(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """Jobs done KEEP_DONE_DAYS ago are deleted; what waits stays."""
    await ask(timed, actor)
    await attempt(timed, {"work": adds_job("effect")})
    await purge_done(timed)
    assert len(await list_jobs(timed, actor, None, Page(10, None))) == 2
    clock.move(KEEP_DONE_DAYS * 86_400 + 60)
    await purge_done(timed)
    assert [job.kind for job in await list_jobs(timed, actor, None, Page(10, None))] == ["effect"]


async def test_many_old_jobs_are_forgotten_in_batches(
    timed: Coffer, clock: Clock, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One purge deletes all that is old, a batch at a time."""
    monkeypatch.setattr(queries, "PURGE_JOBS", 2)
    for _ in range(5):
        await ask(timed, actor)
    for job in await claim(timed):
        await run_job(timed, {"work": does_nothing}, job)
    clock.move(KEEP_DONE_DAYS * 86_400 + 60)
    await purge_done(timed)
    assert await list_jobs(timed, actor, None, Page(10, None)) == []


async def test_only_a_dead_job_can_be_replayed(coffer: Coffer, actor: Actor) -> None:
    """Replaying a job that waits is refused."""
    await ask(coffer, actor)
    job = await only_job(coffer, actor)
    with pytest.raises(InvalidState, match="READY"):
        await replay_job(coffer, actor, job.id)


async def test_a_dead_job_is_not_replayed_beside_its_twin(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """When the same work was asked for again, replaying the dead job is refused."""
    await ask(timed, actor, key="sweep")
    await fail_until_dead(timed, clock, {"work": breaks})
    dead = await only_job(timed, actor)
    await ask(timed, actor, key="sweep")
    with pytest.raises(InvalidState, match="already waiting"):
        await replay_job(timed, actor, dead.id)


@pytest.mark.parametrize("job_id", [None, 999_999])
async def test_an_unknown_job_is_not_found(coffer: Coffer, actor: Actor, job_id: int | None) -> None:
    """A job that does not exist can't be replayed."""
    with pytest.raises(NotFound):
        await replay_job(coffer, actor, job_id)


async def test_jobs_of_another_project_stay_hidden(coffer: Coffer, actor: Actor) -> None:
    """Neither the list nor a replay reaches another project's job."""
    await ask(coffer, actor)
    job = await only_job(coffer, actor)
    stranger = await owner_of(coffer, "other")
    assert await list_jobs(coffer, stranger, None, Page(10, None)) == []
    with pytest.raises(NotFound):
        await replay_job(coffer, stranger, job.id)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
async def test_only_operators_see_and_replay_jobs(coffer: Coffer, role: Role) -> None:
    """Members and viewers may do neither."""
    actor = await owner_of(coffer, role=role)
    with pytest.raises(AccessDenied):
        await list_jobs(coffer, actor, None, Page(10, None))
    with pytest.raises(AccessDenied):
        await replay_job(coffer, actor, 1)


async def test_jobs_are_listed_newest_first_in_pages(coffer: Coffer, actor: Actor) -> None:
    """A page has one row more than asked for when there are more, and goes on below its cursor."""
    for kind in ("a", "b", "c"):
        await ask(coffer, actor, kind)
    first = await list_jobs(coffer, actor, None, Page(1, None))
    rest = await list_jobs(coffer, actor, None, Page(5, first[0].id))
    assert [[job.kind for job in page] for page in (first, rest)] == [["c", "b"], ["b", "a"]]
