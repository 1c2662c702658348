"""Budgets of points: a token bucket in Redis for each key, shared by every process."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from live.optional import OptionalRedis
from schema.context import Allowance

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

    from schema.context import Context

LEASE_SECONDS: Final = 0.01
"""Points that a process takes ahead, as time of the rate: so one request in many asks Redis, and the others do not."""

REMEMBERED_BUDGETS: Final = 10_000
CONNECTIONS: Final = 4

TAKE: Final = """
local needed, wanted, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local state = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = tonumber(state[1]) or burst
points = math.min(burst, points + math.max(0, now - (tonumber(state[2]) or now)) * rate)
local granted = 0
if points >= needed then
  granted = math.floor(math.min(points, wanted))
end
points = points - granted
redis.call('HSET', KEYS[1], 'points', string.format('%.6f', points), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return {granted, string.format('%.6f', points)}
"""
"""Grants `wanted` points or as many as there are, but at least `needed` or none. One script: nothing comes between."""

RATE_FIELDS: Final = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after")

_RATE_FIELDS: Final = tuple(name.encode() for name in RATE_FIELDS)

_uncounted: Final = Counter("coffer_budget_uncounted_total", "Operations that passed uncounted, for want of Redis.")
_refused: Final = Counter("coffer_budget_refused_total", "Operations refused for want of points.")


@dataclass(frozen=True, slots=True)
class Rule:
    """How a bucket fills, in points a second, and how many points it holds."""

    points_per_second: float
    burst_points: int


class Budgets:
    """Every caller's budget, as far as this process knows it."""

    def __init__(self, redis_url: str) -> None:
        self._redis = OptionalRedis(redis_url, CONNECTIONS, "budgets.not_counted")
        self._script: AsyncScript = self._redis.client.register_script(TAKE)
        self._known: OrderedDict[str, Budget] = OrderedDict()

    def of(self, caller: str, rule: Rule) -> Budget:
        """The budget of a caller."""
        budget = self._known.get(caller)
        if budget is None:
            budget = self._known[caller] = Budget(self, caller, rule)
            if len(self._known) > REMEMBERED_BUDGETS:
                self._known.popitem(last=False)
        self._known.move_to_end(caller)
        return budget

    async def ask(self, caller: str, needed: int, wanted: int, rule: Rule) -> tuple[int, float] | None:
        """Points granted and points left in Redis; None when it does not answer."""
        amounts = [needed, wanted, rule.points_per_second, rule.burst_points]
        answer = await self._redis.ask(self._script, keys=[f"coffer:budget:{caller}"], args=amounts)
        return (int(answer[0]), float(answer[1])) if answer else None

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.close()


class Budget:
    """The budget of one caller: a lease of points that this process holds, and the bucket in Redis."""

    def __init__(self, budgets: Budgets, caller: str, rule: Rule) -> None:
        self.rule = rule
        self._budgets = budgets
        self._caller = caller
        self._held = 0
        self._left: tuple[float, float] = (rule.burst_points, time.monotonic())
        self._refilling = asyncio.Lock()

    async def take(self, points: int) -> Allowance:
        """Take points, or learn how long to wait for them; without Redis everything passes and is counted as that."""
        if self._held < points:
            async with self._refilling:
                if self._held < points and self._there() >= points and not await self._refill(points):
                    _uncounted.inc()
                    return Allowance(granted=True, remaining_points=None)
        return self._allow(points) if self._held >= points else self._refuse(points)

    def owe(self, points: int) -> Allowance:
        """The same by what this process knows; what was owed is taken with the points that come next."""
        return self._allow(points) if self._there() >= points else self._refuse(points)

    def _allow(self, points: int) -> Allowance:
        self._held -= points
        return Allowance(granted=True, remaining_points=int(self._there()))

    def _refuse(self, points: int) -> Allowance:
        _refused.inc()
        there = self._there()
        wait_seconds = (points - there) / self.rule.points_per_second
        return Allowance(granted=False, remaining_points=int(there), wait_seconds=wait_seconds)

    def _there(self) -> float:
        """Points that may be there: other processes can only have left fewer."""
        left, at = self._left
        filled = left + (time.monotonic() - at) * self.rule.points_per_second
        return min(self._held + filled, self.rule.burst_points)

    async def _refill(self, points: int) -> bool:
        """Take a lease from Redis if it grants one; False when it does not answer."""
        needed = min(points - self._held, self.rule.burst_points)
        wanted = needed + int(self.rule.points_per_second * LEASE_SECONDS)
        answer = await self._budgets.ask(self._caller, needed, wanted, self.rule)
        if answer is not None:
            granted, left = answer
            self._held += granted
            self._left = (left, time.monotonic())
        return answer is not None


def caller_name(project_id: int, api_key_id: int | None) -> str:
    """Whose budget it is: the key's, or the project's for tokens, which have none."""
    return f"project:{project_id}" if api_key_id is None else f"key:{api_key_id}"


def seconds_until_full(budget: Budget, remaining_points: int) -> int:
    """When a bucket holds all its points again."""
    return round((budget.rule.burst_points - remaining_points) / budget.rule.points_per_second)


def rate_headers(budget: Budget, allowance: Allowance) -> dict[str, str]:
    """The RateLimit fields of a response, with Retry-After for a refusal; none when nobody counts."""
    return dict(zip(RATE_FIELDS, map(str, _rate_values(budget, allowance)), strict=False))


def rate_fields(context: Context) -> list[tuple[bytes, bytes]]:
    """The same for an operation's answer, as ASGI takes them."""
    if context.allowance is None or not isinstance(context.meter, Budget):
        return []
    values = _rate_values(context.meter, context.allowance)
    return [(name, b"%d" % value) for name, value in zip(_RATE_FIELDS, values, strict=False)]


def _rate_values(budget: Budget, allowance: Allowance) -> list[int]:
    """Limit, remaining, reset in seconds, and how long to wait after a refusal."""
    remaining = allowance.remaining_points
    if remaining is None:
        return []
    values = [budget.rule.burst_points, remaining, seconds_until_full(budget, remaining)]
    return values if allowance.granted else [*values, max(1, math.ceil(allowance.wait_seconds))]
