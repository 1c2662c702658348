"""Jobs while a payment provider is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.jobs import LONGEST_RETRY_SECONDS, MAX_ATTEMPTS
from gateways.base import GatewayUnavailable
from services.jobs import OUTAGE
from tests.services.job_steps import Clock, ask, attempt, only_job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.permissions import Actor
    from services.coffer import Coffer
    from services.jobs import Effect


async def is_away(_coffer: Coffer, _payload: Mapping[str, Any]) -> Effect:
    raise GatewayUnavailable("no answer")


async def test_an_outage_of_a_provider_kills_no_job_within_a_day(timed: Coffer, clock: Clock, actor: Actor) -> None:
    """Twice as many attempts as a job has leave it waiting; only after a day do they count, and then it dies."""
    await ask(timed, actor)
    for _ in range(2 * MAX_ATTEMPTS):
        await attempt(timed, {"work": is_away})
        clock.move(LONGEST_RETRY_SECONDS)
    assert (await only_job(timed, actor)).state.name == "READY"
    clock.move(OUTAGE.total_seconds())
    for _ in range(MAX_ATTEMPTS):
        await attempt(timed, {"work": is_away})
        clock.move(LONGEST_RETRY_SECONDS)
    assert (await only_job(timed, actor)).state.name == "DEAD"
