"""What can befall a statement or a connection, drawn from one source of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from db.link import COMMAND_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS, RECONNECT_SECONDS

if TYPE_CHECKING:
    from random import Random

ANSWER_SECONDS = 0.002
LATE_SECONDS = 1.0
GHOST_SECONDS = 2 * COMMAND_TIMEOUT_SECONDS
"""How long after its caller gave it up a statement may still be executed."""

OUTAGE_SECONDS = 2.5 * RECONNECT_SECONDS

STATEMENT_FAULTS = ("late", "lost", "unanswered", "ghost", "stalled", "rolled back", "outage")
CUTS = (
    ConnectionResetError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
)
REFUSALS = (ConnectionRefusedError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)


class Fate(NamedTuple):
    """A statement is executed after `runs_after` seconds (None: never); its caller hears after `ends_after` seconds."""

    kind: str
    runs_after: float | None
    ends_after: float
    fault: Exception | None = None
    outage_seconds: float = 0.0


class Faults:
    """Draws fates; `rate` is the share of statements and connections that meet a fault."""

    def __init__(self, random: Random, rate: float) -> None:
        self._random = random
        self.rate = rate

    def statement(self) -> Fate:
        """What befalls a statement."""
        soon = self._random.expovariate(1 / ANSWER_SECONDS)
        if self._random.random() >= self.rate:
            return Fate("well", 0.0, soon)
        return self._bad(self._random.choice(STATEMENT_FAULTS), soon)

    def _bad(self, kind: str, soon: float) -> Fate:
        draw = self._random
        sometimes = draw.choice((None, 0.0, draw.uniform(0, GHOST_SECONDS)))
        late = draw.uniform(0, LATE_SECONDS)
        fates = {
            "late": Fate(kind, late, late + soon),
            "lost": Fate(kind, None, soon, self._cut()),
            "unanswered": Fate(kind, 0.0, soon, self._cut()),
            "ghost": Fate(kind, soon + draw.uniform(0, GHOST_SECONDS), soon, self._cut()),
            "stalled": Fate(kind, sometimes, COMMAND_TIMEOUT_SECONDS, TimeoutError()),
            "rolled back": Fate(kind, None, soon, asyncpg.DeadlockDetectedError("deadlock detected")),
            "outage": Fate(kind, sometimes, soon, self._cut(), draw.uniform(0, OUTAGE_SECONDS)),
        }
        return fates[kind]

    def connection(self, refused: bool) -> Fate:
        """What befalls an attempt to connect, or one of the exchanges that follow."""
        soon = self._random.expovariate(1 / ANSWER_SECONDS)
        if not refused and self._random.random() >= self.rate:
            return Fate("well", 0.0, soon)
        if self._random.random() < self.rate:
            return Fate("hangs", None, CONNECT_TIMEOUT_SECONDS, TimeoutError())
        return Fate("refused", None, soon, self._random.choice(REFUSALS)("not now"))

    def _cut(self) -> Exception:
        return self._random.choice(CUTS)("connection lost")
