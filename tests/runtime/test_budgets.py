"""The token bucket in Redis, asked by many processes at once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from runtime.budgets import LEASE_SECONDS, Budgets, Rule
from runtime.settings import Limits, read_settings
from schema.context import Allowance

SLOW = Rule(points_per_second=0.001, burst_points=500)
"""Nothing comes back while a test runs."""


async def test_processes_together_never_spend_more_than_there_is(redis_url: str) -> None:
    """Eight processes that take points as fast as they can get exactly what the bucket held."""
    name = uuid4().hex
    processes = [Budgets(redis_url) for _ in range(8)]

    async def spend(budgets: Budgets) -> int:
        budget = budgets.of(name, SLOW)
        answers = await asyncio.gather(*(budget.take(3) for _ in range(40)))
        return sum(3 for answer in answers if answer.granted)

    spent = await asyncio.gather(*(spend(budgets) for budgets in processes))
    assert sum(spent) == SLOW.burst_points // 3 * 3
    for budgets in processes:
        await budgets.close()


async def test_a_lease_saves_asking(redis_url: str) -> None:
    """At a high rate one answer of Redis serves many requests, and what it served is counted."""
    rule = Rule(points_per_second=100_000, burst_points=1_000_000)
    name = uuid4().hex
    ours, others = Budgets(redis_url), Budgets(redis_url)
    budget = ours.of(name, rule)
    assert (await budget.take(1)).remaining_points == rule.burst_points - 1
    await ours.close()
    for _ in range(100):
        assert (await budget.take(1)).granted
    seen = (await others.of(name, rule).take(1)).remaining_points
    assert seen is not None
    assert seen >= rule.burst_points - rule.points_per_second * LEASE_SECONDS - 2
    await others.close()


async def test_points_come_back(redis_url: str) -> None:
    """An empty bucket says how long to wait, and has the points after that time."""
    rule = Rule(points_per_second=50, burst_points=10)
    budgets = Budgets(redis_url)
    budget = budgets.of(uuid4().hex, rule)
    assert await budget.take(10) == Allowance(granted=True, remaining_points=0)
    refused = await budget.take(5)
    assert not refused.granted
    assert 0 < refused.wait_seconds <= 0.1
    async with asyncio.timeout(5):
        while not (await budget.take(5)).granted:  # noqa: ASYNC110 - the bucket fills by the clock
            await asyncio.sleep(0.01)
    await budgets.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("COFFER_MAX_REQUEST_BYTES", "0"), ("COFFER_RATE_BURST_POINTS", "1"), ("COFFER_OPERATION_SECONDS", "-1")],
)
def test_a_limit_that_would_refuse_everything_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, tmp_path: object
) -> None:
    """A start with a limit of nothing fails and names the setting."""
    monkeypatch.setenv("COFFER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name):
        read_settings()


def test_limits_are_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Each limit is read from the environment by its name."""
    monkeypatch.setenv("COFFER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COFFER_MAX_COST_POINTS", "77")
    monkeypatch.setenv("COFFER_SOCKET_INIT_SECONDS", "2.5")
    assert read_settings().limits == Limits(max_cost_points=77, socket_init_seconds=2.5)


async def test_what_was_owed_is_taken_with_the_next_points(redis_url: str) -> None:
    """Points taken by what this process knows come out of the bucket too, and an empty one refuses them."""
    name = uuid4().hex
    ours, others = Budgets(redis_url), Budgets(redis_url)
    budget = ours.of(name, SLOW)
    assert budget.owe(100).granted
    assert (await budget.take(1)).granted
    seen = (await others.of(name, SLOW).take(1)).remaining_points
    assert seen == SLOW.burst_points - 102
    assert not budget.owe(SLOW.burst_points).granted
    for budgets in (ours, others):
        await budgets.close()
