"""Figures that were worked out before, in Redis, each with the version of what it was worked out from.

A figure is found again by its question, and used only under the version that the caller has just read; so it is never
out of date, only worked out anew. Without Redis every figure is worked out.
"""

from __future__ import annotations

import time
from typing import Any, Final
from zlib import crc32

import orjson
import structlog
from prometheus_client import Counter
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER_SECONDS: Final = 0.25
PAUSE_SECONDS: Final = 1.0
"""How long a Redis that did not answer is left alone."""

KEEP_SECONDS: Final = 300
FIGURE_BYTES: Final = 65_536
"""A larger one is not kept."""

PLACES: Final = 4_096
"""Figures that are kept at once: the place of a question is fixed, and the newest figure has it."""

CONNECTIONS: Final = 8

_log: Final = structlog.get_logger()
_asked: Final = Counter("coffer_figures_total", "Figures that were asked of the cache.", ["answer"])


class Figures:
    """The cache of one process; all processes share what is in it."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(
            redis_url,
            max_connections=CONNECTIONS,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        self._paused_until = 0.0

    async def find(self, question: str, version: str) -> Any:  # noqa: ANN401 - what was kept
        """What was kept for the question under this version, or None."""
        kept = await self._ask("GET", _place(question))
        asked, under, figure = orjson.loads(kept) if kept else (None, None, None)
        hit = (asked, under) == (question, version)
        _asked.labels("hit" if hit else "miss").inc()
        return figure if hit else None

    async def keep(self, question: str, version: str, figure: Any) -> None:  # noqa: ANN401 - anything that JSON can say
        """Keep a figure for KEEP_SECONDS, unless it is too large."""
        text = orjson.dumps([question, version, figure])
        if len(text) <= FIGURE_BYTES:
            await self._ask("SET", _place(question), text, "EX", KEEP_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, *command: Any) -> Any:  # noqa: ANN401 - what Redis takes and gives
        if time.monotonic() < self._paused_until:
            return None
        try:
            return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as fault:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            _log.warning("figures.no_redis", fault=repr(fault))
            return None


def _place(question: str) -> str:
    return f"coffer:figure:{crc32(question.encode()) % PLACES}"
