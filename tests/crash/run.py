"""A crash run: load, kill, restart, retry, prove; again and again from one seed."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.crash.books import Findings, audit
from tests.crash.fleet import Fleet
from tests.crash.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.crash.acts import Act

ACTS_BEFORE_KILL: Final = (50, 600)
"""How many answers a kill waits for, drawn between the two."""

JITTER_SECONDS: Final = 0.02
"""At most this long after the last of those answers, so that a kill falls anywhere in a batch."""

ACTS_AFTER_KILL: Final = 100
"""How many answers show that the servers act again."""

FROZEN_SHARE: Final = 0.5
"""How many of the kills fall between a commit and its answer."""

RECOVERY_SECONDS: Final = 60.0
REPLAYS: Final = 20
"""Acts answered earlier that are sent once more after every kill."""


@dataclass
class Tally:
    """The figures of a run: `retried` acts got no answer at first, `durable` ones had happened all the same.

    A spend or grant tells by `replayed` in its first answer: the client or the lane had sent it twice. Holds do not
    tell.
    """

    seed: int
    kills: int = 0
    acts: int = 0
    spends: int = 0
    retried: int = 0
    durable: int = 0
    replayed: int = 0
    findings: Findings = field(default_factory=Findings)


async def crash(data_dir: Path, seed: int, kills: int, say: Callable[[str], None]) -> Tally:
    """Kill that many times and prove after each that nothing was lost or doubled; ends at the first violation."""
    chance = random.Random(seed)
    tally = Tally(seed)
    async with Fleet(data_dir) as fleet:
        load = Load(fleet.urls, await asyncio.to_thread(fleet.servers[0].key), seed)
        try:
            await load.open()
            while tally.kills < kills and not tally.findings:
                say(await _round(fleet, load, tally, chance))
        finally:
            await load.close()
    return tally


async def _round(fleet: Fleet, load: Load, tally: Tally, chance: random.Random) -> str:
    """One kill and its proof; the line that tells of it."""
    began, known = time.monotonic(), len(load.answered)
    target, frozen = fleet.draw(chance, tally.kills + 1), chance.random() < FROZEN_SHARE
    load.go()
    await load.until(known + chance.randint(*ACTS_BEFORE_KILL))
    await asyncio.sleep(chance.uniform(0, JITTER_SECONDS))
    at_kill = len(load.answered)
    async with asyncio.timeout(RECOVERY_SECONDS):
        await fleet.kill(target, chance, frozen=frozen)
        await load.until(len(load.answered) + ACTS_AFTER_KILL)
        await load.pause()
    retried, durable = _unanswered(load.answered[known:])
    replayed = await _replay(load, chance.sample(load.answered, REPLAYS), tally.findings)
    tally.findings.add(await audit(fleet.database_url, load.answered))
    tally.kills, tally.acts = tally.kills + 1, len(load.answered)
    tally.spends = sum(act.kind == "spend" for act in load.answered)
    tally.retried, tally.durable, tally.replayed = (
        tally.retried + retried,
        tally.durable + durable,
        tally.replayed + replayed,
    )
    return (
        f"kill {tally.kills:3}  {target:27}{' frozen' if frozen else '':7} after {at_kill - known:4} acts; {retried:3} retried,"
        f" {durable:2} found durable; {tally.acts:6,} acknowledged,"
        f" lost {len(tally.findings.lost)}, doubled {len(tally.findings.doubled)},"
        f" broken {len(tally.findings.broken)}; {time.monotonic() - began:4.1f} s"
    )


async def _replay(load: Load, acts: list[Act], findings: Findings) -> int:
    """Send answered acts again: the first result comes back."""
    for act in acts:
        answer = await load.again(act)
        assert act.answer
        same = all(answer.get(name) == act.answer.get(name) for name in ("transaction", "hold"))
        if not (same and answer.get("replayed", True)):
            findings.doubled.append(f"{act.kind} {act.key} was answered {act.answer}, then {answer}")
    return len(acts)


def _unanswered(acts: Sequence[Act]) -> tuple[int, int]:
    """How many acts got no answer at first, and how many were found done when they were sent again."""
    retried = sum(act.unanswered > 0 for act in acts)
    return retried, sum(bool(act.answer and act.answer.get("replayed")) for act in acts)
