"""Fits usage models in a process of their own, so that minutes of arithmetic never stand in the way of a request."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.outlook import model_of
from domain.smoothing import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.forecasts import UsageModel

FIT_SECONDS: Final = 40.0
"""Less than an attempt at a job has."""

FAULT_CHARACTERS: Final = 2_000
NICE: Final = 10
ROOT: Final = Path(__file__).parents[1]


async def fit_models(histories: Sequence[Sequence[int]]) -> Sequence[UsageModel | None]:
    """Fit each history in a child that ends with its answer; None, and a line in the log, for one that can't be fitted.

    TimeoutError after FIT_SECONDS, RuntimeError.
    """
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
    said = faults.decode()[-FAULT_CHARACTERS:]
    if child.returncode:
        raise RuntimeError(f"The forecasting process failed: {said}")
    if said:
        import structlog  # noqa: PLC0415 - the child starts without it

        structlog.get_logger().error("forecaster.unfitted", faults=said)
    return [parameters and model_of(parameters) for parameters in json.loads(answer)]


def main() -> None:
    """The child: histories as JSON on standard input, models on standard output."""
    os.nice(NICE)
    histories = json.load(sys.stdin)
    json.dump([_fitted(history) for history in histories], sys.stdout)


def _fitted(history: Sequence[int]) -> dict[str, Any] | None:
    """A model's parameters; one wallet must not stop the others of its block."""
    try:
        return asdict(fit(history))
    except Exception:  # noqa: BLE001 - whatever it is, the parent logs it
        traceback.print_exc()
        return None


if __name__ == "__main__":
    main()
