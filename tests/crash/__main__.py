"""`make crash KILLS=50 SEED=7`: kills PostgreSQL and the servers under load; exit code 1 on any loss or doubling."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.crash.run import Tally, crash, durable, retried

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.crash.books import Findings

MAX_SEED = 2**32
MAX_LINES = 20


def say(line: str) -> None:
    """One line of progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(tally: Tally) -> str:
    """The figures of the whole run."""
    findings = tally.findings
    figures = {
        "kills": tally.kills,
        "acts acknowledged": len(tally.acts),
        "of them spends": tally.spends,
        "retried": retried(tally.acts),
        "found durable": durable(tally.acts),
        "replayed": tally.replayed,
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "broken promises": len(findings.broken),
    }
    rows = [figures.keys(), ["---"] * len(figures), [f"{figure:,}" for figure in figures.values()]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def say_findings(findings: Findings) -> None:
    """The first of each kind."""
    for name, found in (("lost", findings.lost), ("doubled", findings.doubled), ("broken", findings.broken)):
        for line in found[:MAX_LINES]:
            say(f"{name}: {line}")


async def stoppable(run: Coroutine[Any, Any, Tally]) -> Tally:
    """Run it; a signal cancels it, so that the servers are stopped."""
    task = asyncio.create_task(run)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main() -> int:
    """Run in a folder of its own, which stays when something was found."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = secrets.randbelow(MAX_SEED) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="coffer-crash-"))
    folder.chmod(0o755)  # the embedded servers may run as another user
    say(f"seed {seed}, {arguments.kills} kills; the servers write to {folder}")
    try:
        tally = asyncio.run(stoppable(crash(folder, seed, arguments.kills, say)))
    except asyncio.CancelledError:
        say(f"Stopped. The data stays in {folder}")
        return 1
    say("\n" + table(tally))
    if tally.findings:
        say_findings(tally.findings)
        say(f"Again: make crash KILLS={tally.kills} SEED={seed}. The data stays in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
