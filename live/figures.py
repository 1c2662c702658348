"""Figures that were worked out before, in Redis, each with the version of what it was worked out from.

A figure is found again by its question, and used only under the version that the caller has just read; so it is never
out of date, only worked out anew. Without Redis every figure is worked out.
"""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

import orjson
from prometheus_client import Counter

from live.optional import OptionalRedis

KEEP_SECONDS: Final = 300
FIGURE_BYTES: Final = 65_536
"""A larger one is not kept."""

PLACES: Final = 4_096
"""Figures that are kept at once: the place of a question is fixed, and the newest figure has it."""

CONNECTIONS: Final = 8

_asked: Final = Counter("coffer_figures_total", "Figures that were asked of the cache.", ["answer"])


class Figures:
    """The cache of one process; all processes share what is in it."""

    def __init__(self, redis_url: str) -> None:
        self._redis = OptionalRedis(redis_url, CONNECTIONS, "figures.no_redis")

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
        await self._redis.close()

    async def _ask(self, *command: Any) -> Any:  # noqa: ANN401 - what Redis takes and gives
        return await self._redis.ask(self._redis.client.execute_command, *command)


def _place(question: str) -> str:
    return f"coffer:figure:{crc32(question.encode()) % PLACES}"
