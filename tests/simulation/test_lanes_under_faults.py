"""The lanes over a database that delays, cuts, repeats and vanishes, a seed at a time."""

from __future__ import annotations

import os

import pytest

from tests.long import examples
from tests.simulation.checks import check_every_rule
from tests.simulation.simulation import Simulation

CHUNK_SEEDS = 100
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(examples(150, 10_000))


def simulate(seed: int) -> None:
    try:
        check_every_rule(Simulation(seed).run())
    except BaseException as fault:
        fault.add_note(f'Seed {seed} failed. Again: SEED={seed} make test ARGS="tests/simulation -k every_rule"')
        raise


@pytest.mark.parametrize("first", range(0, len(SEEDS), CHUNK_SEEDS))
def test_every_rule_holds_for_every_seed(first: int) -> None:
    """Spends are posted once, as they were acknowledged, in order, within bounds, and every caller is answered."""
    for seed in SEEDS[first : first + CHUNK_SEEDS]:
        simulate(seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_is_one_run(seed: int) -> None:
    """Two runs of a seed do the same at the same times."""
    first, second = Simulation(seed).run(), Simulation(seed).run()
    assert first.trace == second.trace
    assert first.ledger.log == second.ledger.log
