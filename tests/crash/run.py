"""A crash run: load, kill, restart, retry, prove; again and again from one seed."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.crash.books import Findings, audit
from tests.crash.fleet import Fleet
from tests.crash.load import Load, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
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
    """The acts of a run, in the order of their answers, and what its audits found."""

    seed: int
    acts: Sequence[Act]
    kills: int = 0
    replayed: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def spends(self) -> int:
        """Plain spends among the acts."""
        return sum(act.kind == "spend" for act in self.acts)


async def crash(
    data_dir: Path, seed: int, kills: int, say: Callable[[str], None], settings: Mapping[str, str] | None = None
) -> Tally:
    """Kill that many times and prove after each that nothing was lost or doubled; ends at the first violation.

    `settings` are changed in PostgreSQL beforehand.
    """
    chance = random.Random(seed)
    async with Fleet(data_dir) as fleet:
        await fleet.change(settings or {})
        load = Load(fleet.urls, await asyncio.to_thread(fleet.servers[0].key), seed)
        tally = Tally(seed, load.answered)
        try:
            await load.open()
            while tally.kills < kills and not tally.findings:
                say(await _round(fleet, load, tally, chance))
        except Refused as refused:
            tally.findings.lost.append(f"what an act stands on: {refused}")
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
    acts, findings = load.answered[known:], tally.findings
    await _replay(load, chance.sample(load.answered, REPLAYS), findings)
    findings.add(await audit(fleet.database_url, load.answered))
    tally.kills, tally.replayed = tally.kills + 1, tally.replayed + REPLAYS
    when = f"{target:27} {'frozen' * frozen:6} after {at_kill - known:3} acts"
    what = f"{retried(acts):3} retried, {durable(acts):2} found durable, {len(tally.acts):6,} acknowledged"
    wrong = f"lost {len(findings.lost)}, doubled {len(findings.doubled)}, broken {len(findings.broken)}"
    return f"kill {tally.kills:3}  {when}: {what}, {wrong}; {time.monotonic() - began:4.1f} s"


async def _replay(load: Load, acts: Sequence[Act], findings: Findings) -> None:
    """Send answered acts again: the first result comes back."""
    for act in acts:
        answer = await load.again(act)
        assert act.answer
        same = all(answer.get(name) == act.answer.get(name) for name in ("transaction", "hold"))
        if not (same and answer.get("replayed", True)):
            findings.doubled.append(f"{act.kind} {act.key} was answered {act.answer}, then {answer}")


def retried(acts: Sequence[Act]) -> int:
    """How many got no answer at first."""
    return sum(act.unanswered > 0 for act in acts)


def durable(acts: Sequence[Act]) -> int:
    """How many had happened before the try that was answered; by `replayed`, which the answers of holds do not have."""
    return sum(bool(act.answer and act.answer.get("replayed")) for act in acts)
