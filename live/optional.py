"""A Redis that work goes on without: asked once, and left alone for a while when it does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ANSWER_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 1.0
"""How long a Redis that did not answer is left alone."""

_log: Final = structlog.get_logger()


class OptionalRedis:
    """A client that waits ANSWER_SECONDS at most, and tells the log `event` when it got no answer."""

    def __init__(self, redis_url: str, connections: int, event: str) -> None:
        self.client = redis.Redis.from_url(
            redis_url,
            max_connections=connections,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        self._event = event
        self._paused_until = 0.0

    async def ask(self, command: Callable[..., Awaitable[Any]], *words: Any, **named: Any) -> Any:  # noqa: ANN401 - Redis'
        """What a command of the client answers; None when it does not, or did not within the last PAUSE_SECONDS."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            return await command(*words, **named)
        except (RedisError, OSError, TimeoutError) as fault:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            _log.warning(self._event, fault=repr(fault))
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
