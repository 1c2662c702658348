"""A circuit breaker: a provider that has failed several times in a row is left alone for a while."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import Histogram

from gateways.base import GatewayRefused, GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILED_CALLS: Final = 5
"""In a row, before the pause."""

PAUSE_SECONDS: Final = 15.0
"""Then one call is let through; if it fails too, the pause starts over."""

_seconds: Final = Histogram(
    "coffer_gateway_call_seconds", "Calls of payment providers, with their retries, by result.", ["gateway", "result"]
)


class Breaker:
    """Guards the calls of one provider. Only GatewayUnavailable counts as a failure: a refusal is an answer."""

    def __init__(self, gateway: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._failed_calls = 0
        self._paused_until = 0.0

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Make one call inside; GatewayUnavailable at once during the pause."""
        self._enter()
        started, result = self._clock(), "cancelled"
        try:
            yield
            result, self._failed_calls = "ok", 0
        except GatewayRefused:
            result, self._failed_calls = "refused", 0
            raise
        except GatewayUnavailable:
            result, self._failed_calls = "unavailable", self._failed_calls + 1
            self._paused_until = self._clock() + PAUSE_SECONDS
            raise
        finally:
            _seconds.labels(self._gateway, result).observe(self._clock() - started)

    def _enter(self) -> None:
        if self._failed_calls < FAILED_CALLS:
            return
        now = self._clock()
        if now < self._paused_until:
            _seconds.labels(self._gateway, "paused").observe(0)
            raise GatewayUnavailable(f"{self._gateway} has failed {self._failed_calls} times in a row and is paused.")
        # This call is the trial; the others wait for what comes of it.
        self._paused_until = now + PAUSE_SECONDS
