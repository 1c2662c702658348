"""When a provider is left alone, and when it is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateways import breaker, calls
from gateways.base import GatewayRefused, GatewayUnavailable
from gateways.breaker import FAILED_CALLS, PAUSE_SECONDS, Breaker
from gateways.calls import Calls
from tests.gateways.loopback import loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateways.loopback import Loopback


class Clock:
    """A clock that tests move."""

    seconds = 0.0

    def __call__(self) -> float:
        """Read it."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The breaker's clock."""
    return Clock()


@pytest.fixture
def guarded(clock: Clock) -> Breaker:
    """A breaker of a provider that has just failed as often as it may."""
    made = Breaker("test", clock)
    for _ in range(FAILED_CALLS):
        fail(made, GatewayUnavailable("down"))
    return made


def fail(made: Breaker, fault: Exception) -> None:
    with pytest.raises(type(fault), match=str(fault)), made.guard():
        raise fault


def test_a_provider_that_keeps_failing_is_left_alone(guarded: Breaker) -> None:
    """During the pause no call is made."""
    with pytest.raises(GatewayUnavailable, match="paused"), guarded.guard():
        pytest.fail("the call was made")


def test_one_call_is_let_through_after_the_pause(guarded: Breaker, clock: Clock) -> None:
    """The first call is the trial; others are refused until it has ended, and go on when it went well."""
    clock.seconds += PAUSE_SECONDS
    with guarded.guard(), pytest.raises(GatewayUnavailable, match="paused"), guarded.guard():
        pytest.fail("two trials at once")
    with guarded.guard():
        pass


def test_a_failed_trial_starts_the_pause_over(guarded: Breaker, clock: Clock) -> None:
    """One more failure is enough for another pause."""
    clock.seconds += PAUSE_SECONDS
    fail(guarded, GatewayUnavailable("down"))
    fail(guarded, GatewayUnavailable("paused"))


@pytest.mark.parametrize("answer", [GatewayRefused("no"), None])
def test_an_answer_resets_the_count(clock: Clock, answer: Exception | None) -> None:
    """A refusal is an answer too: only failures in a row count."""
    made = Breaker("test", clock)
    for _ in range(2):
        for _ in range(FAILED_CALLS - 1):
            fail(made, GatewayUnavailable("down"))
        if answer:
            fail(made, answer)
        else:
            with made.guard():
                pass


@pytest.fixture
async def provider() -> AsyncIterator[Loopback]:
    """A provider on loopback."""
    async with loopback() as running:
        yield running


async def statuses(provider: Loopback, *answers: Any) -> list[int | str]:  # noqa: ANN401 - a status with a body
    """What comes of calls of a provider that answers so; requests are counted at its end."""
    provider.will_answer(*answers)
    line = Calls("test", provider.url, {})
    try:
        return [(await line.send("GET", "/")).status_code]
    except GatewayUnavailable:
        return ["unavailable"]
    finally:
        await line.close()


async def test_a_busy_provider_gets_the_pause_it_asks_for(provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause longer than ours is left to the job's own retries, so nothing more is sent now."""
    monkeypatch.setattr(calls, "_asked_pause", lambda _answer: calls.LONGEST_RETRY_SECONDS + 1)
    assert await statuses(provider, (429, b"")) == ["unavailable"]
    assert len(provider.received) == 1


async def test_a_call_ends_in_time(provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """All attempts together have a limit."""
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.05)
    monkeypatch.setattr(calls, "RETRY_SECONDS", 60.0)
    assert await statuses(provider, (500, b"")) == ["unavailable"]


async def test_calls_are_guarded(provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """After too many failures in a row the provider is not asked at all."""
    monkeypatch.setattr(breaker, "FAILED_CALLS", 2)
    provider.will_answer((500, b""))
    line = Calls("test", provider.url, {})
    for _ in range(4):
        with pytest.raises(GatewayUnavailable):
            await line.send("GET", "/", is_repeatable=False)
    await line.close()
    assert len(provider.received) == 2
