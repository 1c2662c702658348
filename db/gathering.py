"""Reads that come in a crowd: what many tasks ask for at once is read by one query after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Answers each key by a read that began after the key was asked for. `read` may leave out what is not there.

    One read takes `most` keys and the next one waits for it, so a crowd takes a single connection of the pool.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], most: int) -> None:
        self._read = read
        self._most = most
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What a key has now; None when there is nothing."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        # Shielded: one who leaves must not take the answer from others that asked for the same.
        return await asyncio.shield(answer)

    async def _work(self) -> None:
        # Everybody who is ready asks before the first query goes out.
        await asyncio.sleep(0)
        while self._asked:
            keys = list(self._asked)[: self._most]
            answers = {key: self._asked.pop(key) for key in keys}
            try:
                found = await self._read(keys)
            except Exception as fault:  # noqa: BLE001 - each who asked hears of it
                _fail(answers.values(), fault)
            else:
                for key, answer in answers.items():
                    answer.set_result(found.get(key))


def _fail(answers: Iterable[asyncio.Future[V | None]], fault: Exception) -> None:
    for answer in answers:
        answer.set_exception(fault)
        # Whoever asked may be gone; then nobody looks at it.
        answer.exception()
