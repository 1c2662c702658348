"""Fits usage models in a process of their own, so that minutes of arithmetic never stand in the way of a request."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.outlook import model_of
from domain.smoothing import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.forecasts import UsageModel

FIT_SECONDS: Final = 40.0
"""Less than an attempt at a job has."""

NICE: Final = 10
ROOT: Final = Path(__file__).parents[1]


async def fit_models(histories: Sequence[Sequence[int]]) -> Sequence[UsageModel]:
    """Fit each history in a child that ends with its answer. TimeoutError after FIT_SECONDS, RuntimeError."""
    if not histories:
        return []
    words = [sys.executable, "-m", "runtime.forecaster"]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(FIT_SECONDS):
            answer, faults = await child.communicate(json.dumps(histories).encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise RuntimeError(f"The forecasting process failed: {faults.decode()[-1_000:]}")
    return [model_of(parameters) for parameters in json.loads(answer)]


def main() -> None:
    """The child: histories as JSON on standard input, models on standard output."""
    os.nice(NICE)
    histories = json.load(sys.stdin)
    json.dump([asdict(fit(history)) for history in histories], sys.stdout)


if __name__ == "__main__":
    main()
